import {
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

import type { BlobStore } from '../../ports/blob-store.js';
import type { BlobId } from '../../protocol/ids.js';
import { DomainError } from '../../protocol/errors.js';

const connectTimeoutMs = 2_000;
const answerTimeoutMs = 5_000;
const retryAfterMs = 2_000;
/** Of one call that deletes, by the protocol. */
const keysOfOneDelete = 1_000;
const headsAtOnce = 32;
const checksumHeader = 'x-amz-checksum-sha256';
const uploadHeaders = ['host', 'content-type', 'content-length', checksumHeader];

export interface S3BlobStoreOptions {
  /** Of a server that is not Amazon's. */
  readonly url: string | undefined;
  /** By which clients reach it; `url` if that is the same. */
  readonly publicUrl: string | undefined;
  readonly region: string;
  readonly bucket: string;
  /** `undefined`: those of the environment, as Amazon's tools look for them. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

export interface S3BlobStore extends BlobStore {
  /** Makes the bucket if it is missing. Throws DomainError `unavailable` while the store is away, the SDK's error when it refuses. */
  prepare(): Promise<void>;
  close(): void;
}

export function createS3BlobStore({ url, publicUrl, region, bucket: Bucket, credentials }: S3BlobStoreOptions): S3BlobStore {
  const clientFor = (endpoint: string | undefined) => new S3Client(clientConfig({ endpoint, region, credentials }));
  const client = clientFor(url);
  const signer = publicUrl === undefined ? client : clientFor(publicUrl);

  return {
    check: async () => {
      await translated(() => client.send(new HeadBucketCommand({ Bucket })));
    },

    signUpload: async ({ blobId, size, sha256 }, lifetimeMs) => {
      const checksum = Buffer.from(sha256).toString('base64');
      const put = { Bucket, Key: keyOf(blobId), ContentLength: size, ContentType: 'application/octet-stream', ChecksumSHA256: checksum };
      const signed = await getSignedUrl(signer, new PutObjectCommand(put), {
        expiresIn: secondsOf(lifetimeMs),
        signableHeaders: new Set(uploadHeaders),
        // As a header it is part of the signature; in the URL not every server would look at it.
        unhoistableHeaders: new Set([checksumHeader]),
      });
      return { method: 'PUT', url: signed, headers: { 'content-type': put.ContentType, 'content-length': String(size), [checksumHeader]: checksum } };
    },

    signDownload: (blobId, lifetimeMs) =>
      getSignedUrl(signer, new GetObjectCommand({ Bucket, Key: keyOf(blobId) }), { expiresIn: secondsOf(lifetimeMs) }),

    existing: async (blobIds) => {
      const found: BlobId[] = [];
      for (let start = 0; start < blobIds.length; start += headsAtOnce) {
        const some = blobIds.slice(start, start + headsAtOnce);
        const are = await Promise.all(some.map((blobId) => isThere(() => client.send(new HeadObjectCommand({ Bucket, Key: keyOf(blobId) })))));
        found.push(...some.filter((_, index) => are[index]));
      }
      return found;
    },

    delete: async (blobIds) => {
      for (let start = 0; start < blobIds.length; start += keysOfOneDelete) {
        const Objects = blobIds.slice(start, start + keysOfOneDelete).map((blobId) => ({ Key: keyOf(blobId) }));
        const { Errors = [] } = await translated(() => client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } })));
        if (Errors.length > 0) throw away(new Error(`${Errors.length} were not deleted, the first because of ${Errors[0]?.Code ?? 'something'}`));
      }
    },

    prepare: async () => {
      if (await isThere(() => client.send(new HeadBucketCommand({ Bucket })))) return;
      await translated(() => client.send(new CreateBucketCommand({ Bucket }))).catch(unlessMadeMeanwhile);
    },

    close: () => {
      client.destroy();
      signer.destroy();
    },
  };
}

function clientConfig(given: Pick<S3BlobStoreOptions, 'region' | 'credentials'> & { readonly endpoint: string | undefined }): S3ClientConfig {
  const { endpoint, region, credentials } = given;
  return {
    region,
    // Other servers have no name for each bucket.
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: 2,
    requestHandler: { connectionTimeout: connectTimeoutMs, requestTimeout: answerTimeoutMs, throwOnRequestTimeout: true },
    // Signed uploads bring a checksum of their own.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  };
}

/** Whole ones, which is what a signature says. */
function secondsOf(lifetimeMs: number): number {
  return Math.ceil(lifetimeMs / 1_000);
}

function keyOf(blobId: BlobId): string {
  return `media/${blobId}`;
}

async function isThere(look: () => Promise<unknown>): Promise<boolean> {
  try {
    await translated(look);
    return true;
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return false;
    throw error;
  }
}

function unlessMadeMeanwhile(error: unknown): void {
  if (error instanceof S3ServiceException && error.name === 'BucketAlreadyOwnedByYou') return;
  throw error;
}

async function translated<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw isAway(error) ? away(error) : error;
  }
}

/** No answer, or one that says that the server is at fault or overwhelmed. */
function isAway(error: unknown): boolean {
  const { name, $metadata: sent } = error as { readonly name?: string; readonly $metadata?: { readonly httpStatusCode?: number } };
  if (sent === undefined || name === 'CredentialsProviderError') return false;
  const { httpStatusCode: status } = sent;
  return status === undefined || status >= 500 || status === 429;
}

function away(cause: unknown): DomainError {
  return new DomainError('unavailable', 'the blob store is away', { retryAfterMs, cause });
}
