import { createHash } from 'node:crypto';

import type { Request, Response } from 'express';

/** Of whatever is shown now: what is deleted, expires or changes gives another tag by itself. */
function entityTagOf(text: string): string {
  return `"${createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url')}"`;
}

/** Whether an `If-Match` names this text: not by a weak tag. */
export function isNamedBy(header: string, text: string): boolean {
  const tags = header.split(',').map((tag) => tag.trim());
  return tags.includes('*') || tags.includes(entityTagOf(text));
}

export interface TaggedText {
  /** A media type. */
  readonly type: string;
  readonly text: string;
  /** `public`: the same for everybody. */
  readonly whose: 'public' | 'private';
}

/** Answers with an `ETag`; without the text (304) a client that has it already (`If-None-Match`). It may be kept, and has to be asked for again. */
export function sendTagged(
  { request, response }: { readonly request: Request; readonly response: Response },
  { type, text, whose }: TaggedText,
): void {
  response.setHeader('ETag', entityTagOf(text));
  response.setHeader('Cache-Control', `${whose}, no-cache`);
  // Not by `request.fresh`: `fetch` says `no-cache` to the caches on its way as soon as its caller names a tag.
  if (isNamedBy((request.headers['if-none-match'] ?? '').replaceAll('W/', ''), text)) response.status(304).end();
  else response.type(type).send(text);
}
