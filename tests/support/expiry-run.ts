import { createHash, randomBytes } from 'node:crypto';

import { expect } from '@jest/globals';
import { Registry } from 'prom-client';

import { createMediaExpiryActivities } from '../../activities/media-expiry.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { createTemporalDurableWork } from '../../adapters/temporal/durable-work.js';
import { openTemporalConnection } from '../../adapters/temporal/temporal-connection.js';
import { mediaBucketOf } from '../../core/media-rules.js';
import type { BlobStore } from '../../ports/blob-store.js';
import type { BlobId } from '../../protocol/ids.js';
import { createLogger } from '../../telemetry/logger.js';
import { createMediaExpiryEvents } from '../../telemetry/media-events.js';
import { register } from './directory-fixtures.js';
import { drainTaskQueue } from './drain-task-queue.js';
import { eventually } from './eventually.js';
import { newBlobId } from './ids.js';
import { bucketMs, expiryId } from './media-fixtures.js';
import { startPostgres } from './postgres.js';
import { createTestWorker, startDevServer } from './temporal.js';

const files = 10_000;
const atOnce = 32;
const bytes = randomBytes(64);
const sha256 = createHash('sha256').update(bytes).digest();

export interface ExpiryRun {
  readonly blobs: BlobStore;
  readonly put: (blobId: BlobId, content: { readonly bytes: Buffer; readonly sha256: Buffer }) => Promise<void>;
  /** Takes the store away from `blobs`, and gives it back. */
  readonly outage: { begin(): void; end(): void };
}

/**
 * 10,000 files, most of which are due in one of five buckets, half of the others one millisecond after those. Their workflows run while the store is away for a while, and work once more when
 * all is done: exactly those that are due are gone, and the directory says so.
 */
export async function expectExactlyTheDueDeleted({ blobs, put, outage }: ExpiryRun): Promise<void> {
  const postgres = await startPostgres();
  const directory = await postgres.openDirectory();
  const env = await startDevServer();
  const connection = openTemporalConnection({ address: env.address, namespace: 'default', taskQueue: drainTaskQueue });
  try {
    const { media } = directory;
    const { accountId: ownerId } = await register(directory.accounts);
    const nowMs = Date.now();
    const lastEndMs = mediaBucketOf(nowMs - bucketMs, bucketMs).endMs;
    const due: BlobId[] = [];
    const notDue: BlobId[] = [];
    await inParallel(files, async (index) => {
      const blobId = newBlobId();
      const isDue = index % 4 !== 0;
      const dueAtMs = isDue ? lastEndMs - (index % 5) * bucketMs - (index % 3) : index % 8 === 0 ? lastEndMs + 1 : nowMs + index * bucketMs;
      await media.create({ blobId, ownerId, size: bytes.length, sha256, createdAtMs: 0, notBeforeMs: 0, dueAtMs });
      await put(blobId, { bytes, sha256 });
      (isDue ? due : notDue).push(blobId);
    });
    expect(await blobs.existing(due.slice(0, 100))).toHaveLength(100);

    const work = createTemporalDurableWork(connection);
    const buckets = [0, 1, 2, 3, 4].map((number) => mediaBucketOf(lastEndMs - number * bucketMs, bucketMs));
    const registry = new Registry();
    const events = createMediaExpiryEvents(createLogger('silent'), registry);
    const metric = async () => (await registry.getSingleMetric('heliograph_media_deleted_total')?.get())?.values[0]?.value ?? 0;
    const activities = createMediaExpiryActivities({ media, blobs, clock: createSystemClock(), events });
    const [first, ...later] = buckets;
    if (first === undefined) throw new Error('there are buckets');
    await eventually(() => work.startMediaExpiry(first));
    const worker = await createTestWorker(env, activities);
    await worker.runUntil(async () => {
      const ended = (bucket: typeof first) => env.client.workflow.getHandle(expiryId(bucket)).result();
      await eventually(async () => expect(await metric()).toBeGreaterThan(0), 60_000);
      outage.begin();
      await Promise.all(later.map((bucket) => work.startMediaExpiry(bucket)));
      // Each has met the outage: what it was to delete has ended, and is not deleted.
      await eventually(async () => {
        for (const bucket of later) {
          const { pendingActivities } = (await env.client.workflow.getHandle(expiryId(bucket)).describe()).raw;
          expect(pendingActivities?.[0]?.lastFailure).toBeTruthy();
        }
      }, 60_000);
      const beforeMs = Date.now();
      outage.end();
      await Promise.all(buckets.map(ended));
      expect(Date.now() - beforeMs).toBeLessThan(120_000);
      await Promise.all(buckets.map((bucket) => work.startMediaExpiry(bucket)));
      expect(await Promise.all(buckets.map(ended))).toEqual(buckets.map(() => ({ files: 0, bytes: 0 })));
    });

    expect(await blobs.existing(due)).toEqual([]);
    expect(await blobs.existing(notDue)).toEqual(notDue);
    expect(await metric()).toBe(due.length);
    for (const blobId of due.slice(0, 100)) expect((await media.find(blobId, ownerId))?.ended).toMatchObject({ reason: 'orphan' });
    for (const blobId of notDue.slice(0, 100)) expect(await media.find(blobId, ownerId)).toMatchObject({ ended: undefined });
    expect(await media.firstDue({ afterMs: 0, untilMs: lastEndMs })).toBeUndefined();
    expect(await media.firstDue({ afterMs: 0, untilMs: lastEndMs + 1 })).toBe(lastEndMs + 1);
  } finally {
    await connection.close();
    await env.teardown();
    await directory.dispose();
    await postgres.stop();
  }
}

async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  const indexes = Array.from({ length: count }, (_, index) => index).values();
  const worker = async () => {
    for (const index of indexes) await work(index);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
