import type { Response } from 'express';

import { DomainError, errorCodes } from '../../protocol/errors.js';
import type { Problem } from '../../protocol/rest/problem.js';
import type { RestEvents } from '../../telemetry/rest-events.js';

/** Answers a failure as RFC 9457 `application/problem+json`; what is not an expected one is logged and shown without its text. */
export function sendProblem(response: Response, error: unknown, events: RestEvents, headers: Readonly<Record<string, string>> = {}): void {
  const failure = domainErrorOf(error, events);
  const { code, retryAfterMs, detail } = failure;
  const { http: status, meaning } = errorCodes[code];
  const body: Problem = {
    type: `urn:heliograph:error:${code}`,
    title: meaning,
    status,
    detail: failure.message,
    code,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(retryAfterMs) }),
    ...(detail === undefined ? {} : { facts: { ...detail } }),
  };
  if (retryAfterMs !== undefined) response.setHeader('Retry-After', Math.ceil(retryAfterMs / 1_000));
  if (code === 'unauthenticated') response.setHeader('WWW-Authenticate', 'Bearer');
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.status(status).type('application/problem+json').send(JSON.stringify(body));
}

function domainErrorOf(error: unknown, events: RestEvents): DomainError {
  if (error instanceof DomainError) return error;
  if (isOfBodyParser(error)) return bodyFault(error);
  events.failed(error);
  return new DomainError('internal', 'a fault of the server; it was logged');
}

interface BodyParserError {
  readonly type: string;
  readonly status: number;
  readonly limit?: number;
}

function isOfBodyParser(error: unknown): error is BodyParserError {
  return error instanceof Error && 'type' in error && typeof error.type === 'string' && 'status' in error && typeof error.status === 'number';
}

function bodyFault({ type, limit }: BodyParserError): DomainError {
  if (type === 'entity.too.large') return new DomainError('too_large', `body: at most ${limit ?? 0} bytes`, { detail: { field: 'body', limit } });
  return new DomainError('invalid_request', 'body: not valid JSON in UTF-8', { detail: { field: 'body' } });
}
