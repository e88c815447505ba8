import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import type { MessageExplainer } from '../gateway/message-explainer.js';
import { releaseFromQuarantine, type ReleaseDependencies } from '../gateway/release-from-quarantine.js';
import { checked } from '../gateway/rest/checked.js';
import { problemOf } from '../gateway/rest/problems.js';
import type { DrainPause } from '../ports/drain-pause.js';
import type { WorkflowViews } from '../ports/workflow-views.js';
import { DomainError } from '../protocol/errors.js';
import { messageId } from '../protocol/ids.js';
import { drainPauseQuery } from '../protocol/rest/drain-pause.js';
import { quarantineQuery } from '../protocol/rest/quarantine.js';
import { workflowQuery } from '../protocol/rest/workflow-view.js';
import type { Logger } from '../telemetry/logger.js';
import type { Secret } from './config/secret.js';

export interface OperatorApiDependencies extends ReleaseDependencies {
  readonly drainPause: DrainPause;
  /** Without one nobody is an operator. */
  readonly token: Secret | undefined;
  readonly explainer: Pick<MessageExplainer, 'detail'>;
  readonly workflows: WorkflowViews;
  readonly logger: Logger;
}

export interface OperatorAnswer {
  readonly status: number;
  readonly body: object;
  readonly retryAfterMs?: number | undefined;
}

/** The calls below `/ops/`, for whoever brings the operator token. Never throws: refusals are problems as of the REST edge. */
export type OperatorApi = (request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>) => Promise<OperatorAnswer>;

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: RegExp;
  /** `id`: what the path's group took, decoded. */
  readonly answer: (id: string, parameters: Readonly<Record<string, string>>) => Promise<object>;
}

const known =
  'there are GET /ops/messages/{messageId}/explain, /ops/workflows, /ops/workflows/{workflowId}, /ops/quarantine and /ops/drains, and POST /ops/quarantine/{messageId}/release, /ops/drains/pause and /ops/drains/resume';

export function createOperatorApi({ token, explainer, workflows, drainPause, logger, ...release }: OperatorApiDependencies): OperatorApi {
  const pauseView = async () => ({ leftMs: await drainPause.leftMs() });
  const calls: readonly Call[] = [
    { method: 'GET', path: /^\/ops\/messages\/([^/]+)\/explain$/, answer: async (id) => explainer.detail(checked(messageId, id, 'messageId')) },
    { method: 'GET', path: /^\/ops\/workflows$/, answer: async (_, parameters) => workflows.list(checked(workflowQuery, parameters, 'query')) },
    { method: 'GET', path: /^\/ops\/workflows\/([^/]+)$/, answer: (id) => workflows.detail(id) },
    {
      method: 'GET',
      path: /^\/ops\/quarantine$/,
      answer: async (_, parameters) => ({ items: await release.quarantine.list(checked(quarantineQuery, parameters, 'query').limit) }),
    },
    {
      method: 'POST',
      path: /^\/ops\/quarantine\/([^/]+)\/release$/,
      answer: async (id) => releaseFromQuarantine(release, checked(messageId, id, 'messageId')),
    },
    { method: 'GET', path: /^\/ops\/drains$/, answer: pauseView },
    {
      method: 'POST',
      path: /^\/ops\/drains\/pause$/,
      answer: async (_, parameters) => {
        await drainPause.set(checked(drainPauseQuery, parameters, 'query').minutes * 60_000);
        return pauseView();
      },
    },
    {
      method: 'POST',
      path: /^\/ops\/drains\/resume$/,
      answer: async () => {
        await drainPause.set(0);
        return pauseView();
      },
    },
  ];
  return async ({ method, url = '', headers }) => {
    try {
      requireOperator(token, headers.authorization);
      const { pathname, searchParams } = new URL(url, 'http://operator');
      for (const { method: of, path, answer } of calls) {
        const match = of === method ? path.exec(pathname) : null;
        if (match !== null) return { status: 200, body: await answer(decoded(match[1]), Object.fromEntries(searchParams)) };
      }
      throw new DomainError('not_found', known);
    } catch (error) {
      const problem = problemOf(error instanceof DomainError ? error : faultOf(error, logger));
      return { status: problem.status, body: problem, retryAfterMs: problem.retryAfterMs };
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

function decoded(part = ''): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new DomainError('invalid_request', 'path: has a % that stands for no character', { detail: { field: 'path' } });
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function faultOf(error: unknown, logger: Logger): DomainError {
  logger.error({ err: error }, 'operator call fault');
  return new DomainError('internal', 'a fault of the server; it was logged');
}
