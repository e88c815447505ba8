import type { BlobId } from '../protocol/ids.js';

export interface BlobToUpload {
  readonly blobId: BlobId;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of the bytes, 32 of them. */
  readonly sha256: Uint8Array;
}

/** What a client sends with its bytes, without a token. */
export interface SignedUpload {
  readonly method: 'PUT';
  readonly url: string;
  /** All of them, as they are. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Encrypted files, which clients put and get themselves at signed URLs: no byte of them goes through a gateway.
 *
 * An upload takes exactly the bytes of that size and digest, or leaves nothing behind. A blob is seen whole or not at all.
 * URLs are absolute, or relative to the address of the REST API. Signing asks the store nothing. Everything else throws DomainError `unavailable` while the store is away.
 */
export interface BlobStore {
  /** Resolves while it answers. */
  check(): Promise<void>;
  signUpload(blob: BlobToUpload, lifetimeMs: number): Promise<SignedUpload>;
  /** A URL to get the blob at, also by ranges. It answers 404 once the blob is gone. */
  signDownload(blobId: BlobId, lifetimeMs: number): Promise<string>;
  /** Those of them that the store has, in the order given. */
  existing(blobIds: readonly BlobId[]): Promise<readonly BlobId[]>;
  /** Up to any number; what is gone already is no error. When it throws, some may be gone. */
  delete(blobIds: readonly BlobId[]): Promise<void>;
}
