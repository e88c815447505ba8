import type { Request, Response } from 'express';
import { z } from 'zod';

import { bytesReplacer } from '../../protocol/bytes.js';
import { DomainError } from '../../protocol/errors.js';
import type { DeviceAddress } from '../../protocol/ids.js';
import type { RestCall } from '../../protocol/rest/rest-call.js';
import { networkOf } from '../network-of.js';
import { checked } from './checked.js';
import { sendTagged } from './entity-tag.js';
import { readBody } from './read-body.js';
import type { RestDependencies } from './rest-dependencies.js';

/** A handler whose types the contract has checked already. */
export type AnyHandler = (request: {
  readonly caller: DeviceAddress | undefined;
  readonly remoteAddress: string;
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly ifMatch: string | undefined;
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
  const ifMatch = request.headers['if-match'];
  const { status, body } = await handler({ caller, remoteAddress: networkOf(request.ip ?? ''), params, query, body: given, ifMatch });
  response.status(status);
  if (body === undefined) response.end();
  else if (call.tagged === true) sendTagged({ request, response }, { type: 'application/json', text: jsonOf(body), whose: 'private' });
  else response.type('application/json').send(jsonOf(body));
}

/** As it is sent. */
export function jsonOf(body: unknown): string {
  return JSON.stringify(body, bytesReplacer);
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
