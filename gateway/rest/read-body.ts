import express, { type Request, type RequestHandler, type Response } from 'express';

import { DomainError } from '../../protocol/errors.js';
import { HttpRefusal } from './problems.js';

/** Room for 200 prekeys of each kind in base64url. */
const maxBodyBytes = 1024 * 1024;
const parse: RequestHandler = express.json({ limit: maxBodyBytes, inflate: false });

/** The request's JSON. Throws DomainError: `too_large`, `invalid_request`. */
export async function readBody(request: Request, response: Response): Promise<unknown> {
  if (request.is('application/json') === false) {
    throw new HttpRefusal('content-type: must be application/json', { status: 415, field: 'content-type' });
  }
  await new Promise<void>((resolve, reject) => {
    parse(request, response, (error?: unknown) => {
      if (error === undefined) resolve();
      else reject(refusalOf(error));
    });
  });
  return request.body;
}

/** Whatever a body can be refused for; body-parser names the kind in `type`. */
function refusalOf(cause: unknown): DomainError {
  const type = cause instanceof Error && 'type' in cause ? cause.type : undefined;
  const detail = { field: 'body' };
  switch (type) {
    case 'entity.too.large':
      return new DomainError('too_large', `body: at most ${maxBodyBytes} bytes`, { cause, detail: { ...detail, limit: maxBodyBytes } });
    case 'encoding.unsupported':
      return new HttpRefusal('content-encoding: none is taken here', { status: 415, field: 'content-encoding' });
    case 'charset.unsupported':
      return new HttpRefusal('content-type: the charset must be UTF-8', { status: 415, field: 'content-type' });
    default:
      return new DomainError('invalid_request', 'body: not valid JSON in UTF-8', { cause, detail });
  }
}
