import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

import { createTemporalDurableWork } from '../../adapters/temporal/durable-work.js';
import { openTemporalConnection, type TemporalConnection } from '../../adapters/temporal/temporal-connection.js';
import { mediaBucketName, mediaBucketOf, type MediaBucket } from '../../core/media-rules.js';
import type { DurableWork } from '../../ports/durable-work.js';
import { drainTaskQueue } from '../support/drain-task-queue.js';
import { eventually } from '../support/eventually.js';
import { bucketMs, expiryId, pastBucket, scriptedExpiry } from '../support/media-fixtures.js';
import { createTestWorker, startDevServer } from '../support/temporal.js';

let env: TestWorkflowEnvironment;
let connection: TemporalConnection;
let work: DurableWork;

beforeAll(async () => {
  env = await startDevServer({ extraArgs: ['--dynamic-config-value', 'limit.historyCount.suggestContinueAsNew=12'] });
  connection = openTemporalConnection({ address: env.address, namespace: 'default', taskQueue: drainTaskQueue });
  work = createTemporalDurableWork(connection);
  await eventually(() => work.startMediaExpiry(pastBucket()));
}, 60_000);
afterAll(async () => {
  await connection.close();
  await env.teardown();
});

const runs = async (query: string) => {
  const found: string[] = [];
  for await (const { workflowId } of env.client.workflow.list({ query })) found.push(workflowId);
  return found;
};
const result = (bucket: MediaBucket): Promise<unknown> => env.client.workflow.getHandle(expiryId(bucket)).result();

describe('expiries of files on Temporal', () => {
  test('one bucket is one workflow at a time, and begun anew after it has ended', async () => {
    const bucket = pastBucket();
    const { activities, asked } = scriptedExpiry([{ files: 1, bytes: 1, more: false }]);
    await Promise.all([work.startMediaExpiry(bucket), work.startMediaExpiry(bucket)]);
    const ofBucket = () => asked.filter(({ endMs }) => endMs === bucket.endMs);
    const worker = await createTestWorker(env, activities);
    await worker.runUntil(async () => {
      await result(bucket);
      expect(ofBucket()).toHaveLength(1);
      await work.startMediaExpiry(bucket);
      await result(bucket);
      expect(ofBucket()).toHaveLength(2);
    });
  });

  test('nothing of a bucket begins before it is over', async () => {
    const bucket = mediaBucketOf(Date.now() + 10, 3_000);
    const { activities, asked } = scriptedExpiry([{ files: 1, bytes: 1, more: false }]);
    await work.startMediaExpiry(bucket);
    let begunAtMs = 0;
    const watched = {
      expireMedia: (of: MediaBucket) => ((begunAtMs = of.endMs === bucket.endMs ? Date.now() : begunAtMs), activities.expireMedia(of)),
    };
    const worker = await createTestWorker(env, watched);
    await worker.runUntil(() => result(bucket));
    expect(asked).toContainEqual(bucket);
    expect(begunAtMs).toBeGreaterThanOrEqual(bucket.endMs);
  });

  test('a bucket is found by its end, says in words what it is, and waits for everything else', async () => {
    const bucket = mediaBucketOf(Date.now() + 24 * 3_600_000, bucketMs);
    await work.startMediaExpiry(bucket);
    await eventually(async () => {
      expect(await runs(`HeliographBlobBucket = "${mediaBucketName(bucket)}"`)).toEqual([expiryId(bucket)]);
    });
    const { raw, priority } = await env.client.workflow.getHandle(expiryId(bucket)).describe();
    const summary = Buffer.from(raw.executionConfig?.userMetadata?.summary?.data ?? []).toString();
    expect(summary).toBe(`"deletion of files that are due by ${mediaBucketName(bucket)}"`);
    expect(priority).toMatchObject({ priorityKey: 5 });
  });

  test('a bucket with very many files goes on as a new run before its history is long', async () => {
    const bucket = pastBucket();
    const { activities, asked } = scriptedExpiry([
      ...Array.from({ length: 20 }, () => ({ files: 1_000, bytes: 1, more: true })),
      { files: 1, bytes: 1, more: false },
    ]);
    await work.startMediaExpiry(bucket);
    const worker = await createTestWorker(env, activities);
    // The first bucket of this file may come before.
    await worker.runUntil(() => result(bucket));
    expect(asked.filter(({ endMs }) => endMs === bucket.endMs).length).toBeGreaterThan(1);
    expect((await runs(`WorkflowId = "${expiryId(bucket)}"`)).length).toBeGreaterThan(1);
  });

  test('says unavailable within 2 s while Temporal is away', async () => {
    const away = openTemporalConnection({ address: '127.0.0.1:1', namespace: 'default', taskQueue: drainTaskQueue });
    const startedAtMs = Date.now();
    await expect(createTemporalDurableWork(away).startMediaExpiry(pastBucket())).rejects.toMatchObject({ name: 'DomainError', code: 'unavailable' });
    expect(Date.now() - startedAtMs).toBeLessThan(2_000);
    await away.close();
  });
});
