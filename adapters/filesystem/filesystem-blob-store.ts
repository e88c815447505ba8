import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { access, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { BlobFiles } from '../../ports/blob-files.js';
import type { BlobStore } from '../../ports/blob-store.js';
import type { Clock } from '../../ports/clock.js';
import { DomainError } from '../../protocol/errors.js';
import type { BlobId } from '../../protocol/ids.js';
import { checkedPermit, signedPath, type BlobPermit } from './url-signature.js';

const filesAtOnce = 32;
const retryAfterMs = 2_000;

export interface FilesystemBlobStoreOptions {
  /** Of this store alone. */
  readonly directory: string;
  /** What URLs are signed with. */
  readonly key: Uint8Array;
  readonly clock: Clock;
}

/** Blobs as files. Whatever an earlier process had not finished is removed. */
export function createFilesystemBlobStore({ directory, key, clock }: FilesystemBlobStoreOptions): BlobStore & BlobFiles {
  const partial = join(directory, 'partial');
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true, mode: 0o700 });
  /** The last digits of an id are random. */
  const pathOf = (blobId: BlobId) => join(directory, blobId.slice(-2), blobId);
  const sign = (permit: Omit<BlobPermit, 'expiresAtMs'>, lifetimeMs: number) =>
    Promise.resolve(signedPath(key, { ...permit, expiresAtMs: clock.nowMs() + lifetimeMs }));
  const check = () => translated(() => access(partial));

  return {
    check,
    signUpload: async ({ blobId, size, sha256 }, lifetimeMs) => ({
      method: 'PUT',
      url: await sign({ method: 'PUT', blobId, size, sha256: Buffer.from(sha256).toString('base64url') }, lifetimeMs),
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) },
    }),
    signDownload: (blobId, lifetimeMs) => sign({ method: 'GET', blobId }, lifetimeMs),
    existing: async (blobIds) => {
      await check();
      const are = await inParts(blobIds, (blobId) => exists(pathOf(blobId)));
      return blobIds.filter((_, index) => are[index]);
    },
    delete: async (blobIds) => {
      // Files that are missing together with the directory are not gone.
      await check();
      await inParts(blobIds, (blobId) => translated(() => rm(pathOf(blobId), { force: true })));
    },
    write: async ({ blobId, query }, body) => {
      const permit = checkedPermit(key, { method: 'PUT', blobId, query, nowMs: clock.nowMs() });
      const part = join(partial, randomUUID());
      try {
        await translated(async () => {
          await writeSynced(part, announced(body, permit));
          await mkdir(dirname(pathOf(blobId)), { recursive: true, mode: 0o700 });
          await rename(part, pathOf(blobId));
          await syncDirectory(dirname(pathOf(blobId)));
        });
      } finally {
        await rm(part, { force: true });
      }
    },
    locate: async ({ blobId, query }) => {
      checkedPermit(key, { method: 'GET', blobId, query, nowMs: clock.nowMs() });
      await check();
      const path = pathOf(blobId);
      if (!(await exists(path))) throw new DomainError('not_found', 'there is no such blob');
      return { path };
    },
  };
}

/** The bytes as they pass; throws `invalid_request` at the first that is too many, and at the end of others than were announced. */
async function* announced(body: AsyncIterable<Uint8Array>, { size = 0, sha256 }: BlobPermit): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let received = 0;
  for await (const chunk of body) {
    received += chunk.byteLength;
    if (received > size) break;
    hash.update(chunk);
    yield chunk;
  }
  if (received !== size) throw otherBytes(`body: must be the ${size} bytes that were announced`, { limit: size });
  if (hash.digest('base64url') !== sha256) throw otherBytes('body: its SHA-256 is not what was announced');
}

function otherBytes(message: string, facts: Readonly<Record<string, unknown>> = {}): DomainError {
  return new DomainError('invalid_request', message, { detail: { field: 'body', ...facts } });
}

async function writeSynced(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await writeFile(file, bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw translatedError(error);
  }
}

async function inParts<Result>(blobIds: readonly BlobId[], work: (blobId: BlobId) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < blobIds.length; start += filesAtOnce) {
    results.push(...(await Promise.all(blobIds.slice(start, start + filesAtOnce).map(work))));
  }
  return results;
}

async function translated<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw translatedError(error);
  }
}

/** What the system says of the directory, the disk or its handles. An upload that was cut says so itself. */
function translatedError(error: unknown): unknown {
  const code = codeOf(error);
  if (error instanceof DomainError || code === undefined || code === 'ECONNRESET') return error;
  return new DomainError('unavailable', 'the blob store is away', { retryAfterMs, cause: error });
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
