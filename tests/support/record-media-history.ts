import { writeFile } from 'node:fs/promises';

import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

import { createTemporalDurableWork } from '../../adapters/temporal/durable-work.js';
import { openTemporalConnection } from '../../adapters/temporal/temporal-connection.js';
import { drainTaskQueue } from './drain-task-queue.js';
import { eventually } from './eventually.js';
import { expiryId, pastBucket, scriptedExpiry } from './media-fixtures.js';
import { createTestWorker, startDevServer } from './temporal.js';

/** Records the expiry of one bucket in several parts, the store being away once, under a neutral worker identity: `node --import tsx tests/support/record-media-history.ts tests/workflows/histories/media-expiry-VERSION.json`. */
const file = process.argv[2];
if (file === undefined) throw new Error('usage: record-media-history.ts FILE');

const full = { files: 1_000, bytes: 5_000, more: true };
const away = ApplicationFailure.create({ type: 'unavailable', message: 'the blob store is away' });
const { activities } = scriptedExpiry([full, away, full, { files: 3, bytes: 15, more: false }]);

const env = await startDevServer();
const connection = openTemporalConnection({ address: env.address, namespace: 'default', taskQueue: drainTaskQueue });
const bucket = pastBucket();
const worker = await createTestWorker(env, activities);
await worker.runUntil(async () => {
  await eventually(() => createTemporalDurableWork(connection).startMediaExpiry(bucket));
  const handle = env.client.workflow.getHandle(expiryId(bucket));
  await handle.result();
  const history = historyToJSON(await handle.fetchHistory());
  await writeFile(file, history.replaceAll(/"\d+@[^"-]+/g, '"1@worker'));
});
await connection.close();
await env.teardown();
