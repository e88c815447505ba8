import { writeFile } from 'node:fs/promises';

import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

import type { InboxDrainActivities } from '../../activities/inbox-drain.js';
import { createTemporalDurableWork } from '../../adapters/temporal/durable-work.js';
import { openTemporalConnection } from '../../adapters/temporal/temporal-connection.js';
import { drainWaveId, type DrainOutcome } from '../../core/drain-plan.js';
import { newRequests, newWave } from './drain-fixtures.js';
import { eventually } from './eventually.js';
import { createTestWorker, startDevServer } from './temporal.js';
import { drainTaskQueue } from './drain-task-queue.js';

/** Records one drain wave with every kind of round, under a neutral worker identity: `node --import tsx tests/support/record-drain-history.ts tests/workflows/histories/NAME.json`. */
const file = process.argv[2];
if (file === undefined) throw new Error('usage: record-drain-history.ts FILE');

const rounds: readonly (readonly DrainOutcome[])[] = [['live', 'parked', 'unfinished', 'failed', 'waiting'], ['live'], ['live'], ['live']];
let call = 0;
const activities: InboxDrainActivities = {
  drainDevices: ({ requests }) => {
    const outcomes = rounds[call] ?? [];
    call += 1;
    return Promise.resolve(requests.map((_, index) => ({ outcome: outcomes[index] ?? 'live', rows: 5 })));
  },
  giveUpDrains: () => Promise.resolve(0),
};

const env = await startDevServer();
const connection = openTemporalConnection({ address: env.address, namespace: 'default', taskQueue: drainTaskQueue });
const wave = newWave(newRequests(5), 'gateway-1');
const worker = await createTestWorker(env, activities);
await worker.runUntil(async () => {
  await eventually(() => createTemporalDurableWork(connection).startDrainWave(wave));
  const handle = env.client.workflow.getHandle(drainWaveId(wave));
  await handle.result();
  const history = historyToJSON(await handle.fetchHistory());
  await writeFile(file, history.replaceAll(/"\d+@[^"-]+/g, '"1@worker'));
});
await connection.close();
await env.teardown();
