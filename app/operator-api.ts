import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import type { MessageExplainer } from '../gateway/message-explainer.js';
import { problemOf } from '../gateway/rest/problems.js';
import { DomainError } from '../protocol/errors.js';
import { messageId } from '../protocol/ids.js';
import type { Logger } from '../telemetry/logger.js';
import type { Secret } from './config/secret.js';

export interface OperatorApiDependencies {
  /** Without one nobody is an operator. */
  readonly token: Secret | undefined;
  readonly explainer: Pick<MessageExplainer, 'detail'>;
  readonly logger: Logger;
}

export interface OperatorAnswer {
  readonly status: number;
  readonly body: object;
}

/** The calls below `/ops/`, for whoever brings the operator token. Never throws: refusals are problems as of the REST edge. */
export type OperatorApi = (request: Pick<IncomingMessage, 'url' | 'headers'>) => Promise<OperatorAnswer>;

export function createOperatorApi({ token, explainer, logger }: OperatorApiDependencies): OperatorApi {
  return async ({ url = '', headers }) => {
    try {
      requireOperator(token, headers.authorization);
      return { status: 200, body: await explainer.detail(explainedBy(url)) };
    } catch (error) {
      const problem = problemOf(error instanceof DomainError ? error : faultOf(error, logger));
      return { status: problem.status, body: problem };
    }
  };
}

function requireOperator(token: Secret | undefined, authorization: string | undefined): void {
  if (token === undefined) throw new DomainError('forbidden', 'this process has no operator token: set HELIOGRAPH_OPERATOR_TOKEN');
  const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (given === undefined || !timingSafeEqual(digestOf(given), digestOf(token.reveal()))) {
    throw new DomainError('unauthenticated', 'authorization: `Bearer` and the operator token');
  }
}

function explainedBy(url: string) {
  const [, id] = /^\/ops\/messages\/([^/?]+)\/explain$/.exec(url) ?? [];
  if (id === undefined) throw new DomainError('not_found', 'there is /ops/messages/{messageId}/explain');
  const parsed = messageId.safeParse(id);
  if (!parsed.success) throw new DomainError('invalid_request', 'messageId: must be a lower-case UUID', { detail: { field: 'messageId' } });
  return parsed.data;
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function faultOf(error: unknown, logger: Logger): DomainError {
  logger.error({ err: error }, 'operator call fault');
  return new DomainError('internal', 'a fault of the server; it was logged');
}
