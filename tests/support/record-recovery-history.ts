import { writeFile } from 'node:fs/promises';

import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

import { createTemporalDurableWork } from '../../adapters/temporal/durable-work.js';
import { openTemporalConnection } from '../../adapters/temporal/temporal-connection.js';
import { recoveryId } from '../../core/recovery-plan.js';
import { drainTaskQueue } from './drain-task-queue.js';
import { eventually } from './eventually.js';
import { newRecovery, scriptedRecovery } from './recovery-fixtures.js';
import { createTestWorker, startDevServer } from './temporal.js';

/** Records a recovery of which some devices come back, the registry being away once, under a neutral worker identity: `node --import tsx tests/support/record-recovery-history.ts tests/workflows/histories/gateway-recovery-VERSION.json`. */
const file = process.argv[2];
if (file === undefined) throw new Error('usage: record-recovery-history.ts FILE');

const away = ApplicationFailure.create({ type: 'unavailable', message: 'the session registry is away' });
const { activities } = scriptedRecovery([{ watchedMs: 10_000, away: 1_100, lineMs: 4_000 }, away, { watchedMs: 10_000, away: 100, lineMs: 0 }]);

const env = await startDevServer();
const connection = openTemporalConnection({ address: env.address, namespace: 'default', taskQueue: drainTaskQueue });
const recovery = newRecovery(10_000);
const worker = await createTestWorker(env, activities);
await worker.runUntil(async () => {
  await eventually(() => createTemporalDurableWork(connection).startGatewayRecovery(recovery));
  const handle = env.client.workflow.getHandle(recoveryId(recovery));
  await handle.result();
  const history = historyToJSON(await handle.fetchHistory());
  await writeFile(file, history.replaceAll(/"\d+@[^"-]+/g, '"1@worker'));
});
await connection.close();
await env.teardown();
