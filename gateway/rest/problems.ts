import type { Response } from 'express';

import { DomainError, errorCodes } from '../../protocol/errors.js';
import type { Problem } from '../../protocol/rest/problem.js';
import type { RestEvents } from '../../telemetry/rest-events.js';

export interface HttpRefusalOptions {
  readonly status: number;
  readonly field: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An `invalid_request` for which HTTP has a status of its own. */
export class HttpRefusal extends DomainError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(message: string, { status, field, headers = {} }: HttpRefusalOptions) {
    super('invalid_request', message, { detail: { field } });
    this.status = status;
    this.headers = headers;
  }
}

/** Answers a failure as RFC 9457 `application/problem+json`; what is not an expected one is logged and shown without its text. */
export function sendProblem(response: Response, error: unknown, events: RestEvents): void {
  const failure = expectedOf(error, events);
  const { code, retryAfterMs } = failure;
  const body = problemOf(failure);
  if (retryAfterMs !== undefined) response.setHeader('Retry-After', Math.ceil(retryAfterMs / 1_000));
  if (code === 'unauthenticated') response.setHeader('WWW-Authenticate', 'Bearer');
  if (failure instanceof HttpRefusal) response.set(failure.headers);
  response.status(body.status).type('application/problem+json').send(JSON.stringify(body));
}

/** As a body of `application/problem+json`. */
export function problemOf(failure: DomainError): Problem {
  const { code, message, retryAfterMs, detail } = failure;
  const { http, meaning } = errorCodes[code];
  return {
    type: `urn:heliograph:error:${code}`,
    title: meaning,
    status: failure instanceof HttpRefusal ? failure.status : http,
    detail: message,
    code,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(retryAfterMs) }),
    ...(detail === undefined ? {} : { facts: { ...detail } }),
  };
}

function expectedOf(error: unknown, events: RestEvents): DomainError {
  if (error instanceof DomainError) return error;
  // The router's, for a `%` in the path that begins nothing.
  if (error instanceof URIError) return new DomainError('invalid_request', 'path: not valid percent-encoding', { detail: { field: 'path' } });
  events.failed(error);
  return new DomainError('internal', 'a fault of the server; it was logged');
}
