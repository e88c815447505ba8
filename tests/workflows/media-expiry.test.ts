import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

import type { MediaExpiryActivities } from '../../activities/media-expiry.js';
import { mediaBucketName, type MediaBucket } from '../../core/media-rules.js';
import type { mediaExpiry } from '../../workflows/media-expiry.js';
import { drainTaskQueue } from '../support/drain-task-queue.js';
import { expiryId, pastBucket, scriptedExpiry } from '../support/media-fixtures.js';
import { createTestWorker, startTimeSkipping } from '../support/temporal.js';

let env: TestWorkflowEnvironment;
beforeAll(async () => {
  env = await startTimeSkipping();
}, 60_000);
afterAll(async () => {
  await env.teardown();
});

const start = (bucket: MediaBucket) =>
  env.client.workflow.start<typeof mediaExpiry>('mediaExpiry', { workflowId: expiryId(bucket), taskQueue: drainTaskQueue, args: [bucket] });

async function run(bucket: MediaBucket, activities: MediaExpiryActivities) {
  const worker = await createTestWorker(env, activities);
  return worker.runUntil(async () => (await start(bucket)).result());
}

describe('an expiry of files', () => {
  test('deletes part after part until nothing is left, and counts what went', async () => {
    const bucket = pastBucket();
    const full = { files: 1_000, bytes: 5_000, more: true };
    const { activities, asked } = scriptedExpiry([full, full, { files: 3, bytes: 15, more: false }]);
    expect(await run(bucket, activities)).toEqual({ files: 2_003, bytes: 10_015 });
    expect(asked).toEqual([bucket, bucket, bucket]);
  });

  test('goes on when the store is back, however long it was away', async () => {
    const away = ApplicationFailure.create({ type: 'unavailable', message: 'the blob store is away' });
    const { activities, asked } = scriptedExpiry([...Array.from({ length: 100 }, () => away), { files: 7, bytes: 70, more: false }]);
    expect(await run(pastBucket(), activities)).toEqual({ files: 7, bytes: 70 });
    expect(asked).toHaveLength(101);
  });

  test('tells its progress to a query, and in words for the Web UI', async () => {
    const bucket = pastBucket();
    const { activities } = scriptedExpiry([
      { files: 1_000, bytes: 5_000, more: true },
      { files: 1, bytes: 5, more: false },
    ]);
    const worker = await createTestWorker(env, activities);
    await worker.runUntil(async () => {
      const handle = await start(bucket);
      await handle.result();
      expect(await handle.query('progress')).toEqual({ files: 1_001, bytes: 5_005 });
      const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
      expect(currentDetails).toBe(`**Files due by ${mediaBucketName(bucket)}**: done, 1001 deleted, 5005 bytes`);
    });
  });
});
