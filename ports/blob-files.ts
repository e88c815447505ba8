import type { BlobId } from '../protocol/ids.js';

/** What a signed URL of a blob store on this machine says, as it came: `query` is not checked yet. */
export interface BlobRequest {
  readonly blobId: BlobId;
  readonly query: Readonly<Record<string, unknown>>;
}

/**
 * Where clients reach no blob store by themselves: the REST edge answers `PUT` and `GET /v1/blobs/{blobId}` with these.
 * Throws DomainError: `forbidden` (a signature that does not fit, or whose time is over), `invalid_request` (other bytes than were announced), `not_found`, `unavailable`.
 */
export interface BlobFiles {
  /** Resolves when the blob is durable. Whatever ends it before that leaves nothing behind. */
  write(request: BlobRequest, body: AsyncIterable<Uint8Array>): Promise<void>;
  /** The file that holds the blob. */
  locate(request: BlobRequest): Promise<{ readonly path: string }>;
}
