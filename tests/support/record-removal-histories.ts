import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

import { createTemporalDurableWork } from '../../adapters/temporal/durable-work.js';
import { openTemporalConnection } from '../../adapters/temporal/temporal-connection.js';
import { removalWorkflowId, type RemovalKind } from '../../core/removal-plan.js';
import { drainTaskQueue } from './drain-task-queue.js';
import { eventually } from './eventually.js';
import { newRemoval, scriptedRemoval } from './removal-fixtures.js';
import { createTestWorker, startDevServer } from './temporal.js';

/** Records the removals of a device and of an account, the log being away once, under a neutral worker identity: `node --import tsx tests/support/record-removal-histories.ts tests/workflows/histories VERSION`. */
const [folder, version] = process.argv.slice(2);
if (folder === undefined || version === undefined) throw new Error('usage: record-removal-histories.ts FOLDER VERSION');

const env = await startDevServer();
const connection = openTemporalConnection({ address: env.address, namespace: 'default', taskQueue: drainTaskQueue });
const names: Readonly<Record<RemovalKind, string>> = { device: 'device-unlink', account: 'account-erasure' };
for (const [kind, name] of Object.entries(names) as [RemovalKind, string][]) {
  const { activities } = scriptedRemoval([ApplicationFailure.create({ type: 'unavailable', message: 'the log is away' })]);
  const removal = newRemoval(kind, 1_000);
  const worker = await createTestWorker(env, activities);
  await worker.runUntil(async () => {
    await eventually(() => createTemporalDurableWork(connection).startRemoval(removal));
    const handle = env.client.workflow.getHandle(removalWorkflowId(removal));
    await handle.result();
    const history = historyToJSON(await handle.fetchHistory());
    await writeFile(join(folder, `${name}-${version}.json`), history.replaceAll(/"\d+@[^"-]+/g, '"1@worker'));
  });
}
await connection.close();
await env.teardown();
