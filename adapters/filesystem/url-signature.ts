import { createHmac, timingSafeEqual } from 'node:crypto';

import { DomainError } from '../../protocol/errors.js';
import type { BlobId } from '../../protocol/ids.js';

/** What a URL permits. Of a PUT also what the bytes are. */
export interface BlobPermit {
  readonly method: 'PUT' | 'GET';
  readonly blobId: BlobId;
  readonly expiresAtMs: number;
  readonly size?: number;
  /** base64url. */
  readonly sha256?: string;
}

/** Path and query of a URL that permits this, relative to the address of the REST API. */
export function signedPath(key: Uint8Array, permit: BlobPermit): string {
  const { blobId, expiresAtMs, size, sha256 } = permit;
  const query = new URLSearchParams({ expires: String(expiresAtMs) });
  if (size !== undefined) query.set('size', String(size));
  if (sha256 !== undefined) query.set('sha256', sha256);
  query.set('signature', signatureOf(key, permit));
  return `/v1/blobs/${blobId}?${query.toString()}`;
}

/** Throws DomainError `forbidden` unless the query was signed for this, and its time is not over. */
export function checkedPermit(
  key: Uint8Array,
  {
    method,
    blobId,
    query,
    nowMs,
  }: Pick<BlobPermit, 'method' | 'blobId'> & { readonly query: Readonly<Record<string, unknown>>; readonly nowMs: number },
): BlobPermit {
  const { expires, size, sha256, signature } = query;
  const permit = {
    ...{ method, blobId, expiresAtMs: Number(expires) },
    ...(typeof size === 'string' ? { size: Number(size) } : {}),
    ...(typeof sha256 === 'string' ? { sha256 } : {}),
  };
  const expected = Buffer.from(signatureOf(key, permit));
  const given = Buffer.from(typeof signature === 'string' ? signature : '');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw refusal('signature: not of this request');
  if (permit.expiresAtMs <= nowMs) throw refusal('expires: the time of this URL is over');
  return permit;
}

function signatureOf(key: Uint8Array, { method, blobId, expiresAtMs, size, sha256 }: BlobPermit): string {
  return createHmac('sha256', key)
    .update([method, blobId, expiresAtMs, size ?? '', sha256 ?? ''].join('\n'))
    .digest('base64url');
}

function refusal(message: string): DomainError {
  return new DomainError('forbidden', message, { detail: { field: message.slice(0, message.indexOf(':')) } });
}
