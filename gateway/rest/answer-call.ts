import type { Request, Response } from 'express';
import { z } from 'zod';

import { bytesReplacer } from '../../protocol/bytes.js';
import { describeIssues, fieldOf } from '../../protocol/encoding.js';
import { DomainError } from '../../protocol/errors.js';
import type { DeviceAddress } from '../../protocol/ids.js';
import type { RestCall } from '../../protocol/rest/rest-call.js';
import { networkOf } from '../network-of.js';
import { readBody } from './read-body.js';
import type { RestDependencies } from './rest-dependencies.js';

/** A handler whose types the contract has checked already. */
export type AnyHandler = (request: {
  readonly caller: DeviceAddress | undefined;
  readonly remoteAddress: string;
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}) => Promise<{ readonly status: number; readonly body: unknown }>;

const nothing = z.strictObject({});

/** One call from request to answer: token, body, every part by its schema, then the handler. Throws DomainError. */
export async function answerCall(
  dependencies: RestDependencies,
  call: RestCall,
  handler: AnyHandler,
  { request, response }: Exchange,
): Promise<void> {
  const caller = call.open === true ? undefined : await authenticate(dependencies, request.headers.authorization);
  const params = checked(call.params ?? nothing, request.params, 'path');
  const query = checked(call.query ?? nothing, request.query, 'query');
  const given = call.body === undefined ? undefined : checked(call.body, await readBody(request, response), 'body');
  const { status, body } = await handler({ caller, remoteAddress: networkOf(request.ip ?? ''), params, query, body: given });
  response.status(status);
  if (body === undefined) response.end();
  else response.type('application/json').send(JSON.stringify(body, bytesReplacer));
}

export interface Exchange {
  readonly request: Request;
  readonly response: Response;
}

async function authenticate({ tokens, devices }: RestDependencies, authorization: string | undefined): Promise<DeviceAddress> {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) throw new DomainError('unauthenticated', 'authorization: `Bearer` and a token');
  const { device } = await tokens.verify(token);
  if (!(await devices.isActive(device))) throw new DomainError('unauthenticated', 'token: its device was removed');
  return device;
}

function checked(schema: z.ZodType, value: unknown, whole: string): unknown {
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  throw new DomainError('invalid_request', describeIssues(result.error, whole), { detail: { field: fieldOf(result.error) || whole } });
}
