import { v7 } from 'uuid';

import type { BlobStore, SignedUpload } from '../../ports/blob-store.js';
import type { Clock } from '../../ports/clock.js';
import type { Media, MediaAudience } from '../../ports/media.js';
import type { RateLimiter } from '../../ports/rate-limiter.js';
import { DomainError } from '../../protocol/errors.js';
import type { AccountId, BlobId, DeviceAddress } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { MediaEvents } from '../../telemetry/media-events.js';
import { requireRate } from '../require-rate.js';
import type { ExpiryBuckets } from './expiry-buckets.js';

const downloadLifetimeMs = 5 * 60_000;

export interface MediaTimes {
  readonly maxAgeMs: number;
  readonly graceMs: number;
  readonly orphanMs: number;
  readonly uploadMs: number;
}

export interface MediaKeeperDependencies {
  readonly media: Media;
  readonly blobs: BlobStore;
  readonly buckets: Pick<ExpiryBuckets, 'due'>;
  readonly rateLimiter: RateLimiter;
  readonly clock: Clock;
  readonly events: MediaEvents;
  readonly times: MediaTimes;
}

/** Files of messages, from the URL that they are put at to the time when they are due. Throws DomainError, as ports/media.ts and ports/blob-store.ts do. */
export class MediaKeeper {
  readonly #dependencies: MediaKeeperDependencies;

  constructor(dependencies: MediaKeeperDependencies) {
    this.#dependencies = dependencies;
  }

  /** Throws DomainError `too_large`, `rate_limited`. */
  async create(
    ownerId: AccountId,
    { size, sha256 }: { readonly size: number; readonly sha256: Uint8Array },
  ): Promise<SignedUpload & { readonly blobId: BlobId; readonly expiresAtMs: number }> {
    const { media, blobs, buckets, rateLimiter, clock, events, times } = this.#dependencies;
    const { maxMediaBytes: limit } = limits;
    if (size > limit) throw new DomainError('too_large', `size: a file has at most ${limit} bytes`, { detail: { field: 'size', limit } });
    await requireRate(rateLimiter, 'media', ownerId);
    await requireRate(rateLimiter, 'mediaBytes', ownerId, size);
    await blobs.check();
    const createdAtMs = clock.nowMs();
    const blobId = v7() as BlobId;
    const notBeforeMs = createdAtMs + 2 * times.uploadMs;
    const dueAtMs = Math.max(notBeforeMs, createdAtMs + times.orphanMs);
    await media.create({ blobId, ownerId, size, sha256, createdAtMs, notBeforeMs, dueAtMs });
    buckets.due([dueAtMs]);
    const upload = await blobs.signUpload({ blobId, size, sha256 }, times.uploadMs);
    events.signed('upload');
    return { ...upload, blobId, expiresAtMs: createdAtMs + times.uploadMs };
  }

  /** Throws DomainError `not_found`, `gone`. */
  async download(blobId: BlobId, accountId: AccountId) {
    const { media, blobs, clock, events } = this.#dependencies;
    const file = await media.find(blobId, accountId);
    if (file === undefined) throw new DomainError('not_found', 'there is no such file for this account');
    const { size, sha256, ended } = file;
    if (ended !== undefined) {
      throw new DomainError('gone', `the file was deleted (${ended.reason})`, { detail: { reason: ended.reason, goneAtMs: ended.atMs } });
    }
    if ((await blobs.existing([blobId])).length === 0) throw new DomainError('not_found', 'nothing was uploaded for this file yet');
    const expiresAtMs = clock.nowMs() + downloadLifetimeMs;
    const url = await blobs.signDownload(blobId, downloadLifetimeMs);
    events.signed('download');
    return { blobId, size, sha256, url, expiresAtMs };
  }

  async revoke(blobId: BlobId, ownerId: AccountId): Promise<void> {
    const { media, buckets, clock } = this.#dependencies;
    buckets.due(await media.revoke(blobId, ownerId, clock.nowMs()));
  }

  /** Durable when it resolves: whom a message with these files is for. */
  async attach(
    blobIds: readonly BlobId[],
    by: { readonly ownerId: AccountId; readonly ttlSeconds: number | undefined },
    audience: MediaAudience,
  ): Promise<void> {
    const { media, buckets, clock, times } = this.#dependencies;
    const livesMs = Math.min(times.maxAgeMs, (by.ttlSeconds ?? Infinity) * 1_000);
    buckets.due(await media.attach(blobIds, { ownerId: by.ownerId, dueAtMs: clock.nowMs() + livesMs }, audience));
  }

  async fetched(blobId: BlobId, device: DeviceAddress): Promise<void> {
    const { media, buckets, clock, times } = this.#dependencies;
    const nowMs = clock.nowMs();
    buckets.due(await media.fetched(blobId, device, { nowMs, dueAtMs: nowMs + times.graceMs }));
  }
}
