import type { Request, Response } from 'express';

import type { BlobFiles, BlobRequest } from '../../ports/blob-files.js';
import { DomainError } from '../../protocol/errors.js';
import { blobId } from '../../protocol/ids.js';
import { HttpRefusal } from './problems.js';

export const blobFilesRoute = '/v1/blobs/:blobId';

/** What is at the signed URLs of a blob store on this machine: the URL permits it, not a token. Throws DomainError. */
export async function answerBlobRequest(files: BlobFiles, request: Request, response: Response): Promise<void> {
  const blob = blobRequestOf(request);
  if (request.method === 'PUT') {
    await files.write(blob, request).catch((error: unknown) => {
      throw request.errored === null ? error : new DomainError('invalid_request', 'body: it was cut', { detail: { field: 'body' }, cause: error });
    });
    response.status(200).end();
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw new HttpRefusal(`${request.method}: a blob takes GET, HEAD, PUT`, { status: 405, field: 'method', headers: { Allow: 'GET, HEAD, PUT' } });
  }
  const { path } = await files.locate(blob);
  await sendFile(response, path);
}

function blobRequestOf({ params, query }: Request): BlobRequest {
  const id = blobId.safeParse(params['blobId']);
  if (!id.success) throw new DomainError('not_found', 'there is no such blob');
  return { blobId: id.data, query };
}

/** Whole or in ranges. */
function sendFile(response: Response, path: string): Promise<void> {
  const options = {
    dotfiles: 'allow' as const,
    etag: false,
    lastModified: false,
    cacheControl: false,
    headers: { 'content-type': 'application/octet-stream' },
  };
  return new Promise((resolve, reject) => {
    response.sendFile(path, options, (error?: NodeJS.ErrnoException & { readonly status?: number }) => {
      if (error === undefined || response.headersSent) resolve();
      else if (error.status === 404) reject(new DomainError('not_found', 'there is no such blob'));
      else if (error.status === 416) reject(new HttpRefusal('range: beyond the end', { status: 416, field: 'range' }));
      else reject(error);
    });
  });
}
