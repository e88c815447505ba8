import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

import { createTemporalDurableWork } from '../../adapters/temporal/durable-work.js';
import { openTemporalConnection } from '../../adapters/temporal/temporal-connection.js';
import { drainWaveId, type DrainOutcome } from '../../core/drain-plan.js';
import { deviceLinkId } from '../../core/link-plan.js';
import { recoveryId } from '../../core/recovery-plan.js';
import { removalWorkflowId, type RemovalKind } from '../../core/removal-plan.js';
import type { DurableWork } from '../../ports/durable-work.js';
import { newRequests, newWave } from './drain-fixtures.js';
import { drainTaskQueue } from './drain-task-queue.js';
import { eventually } from './eventually.js';
import { newAccountId } from './ids.js';
import { newLinkPlan, scriptedLink } from './link-fixtures.js';
import { expiryId, pastBucket, scriptedExpiry } from './media-fixtures.js';
import { newRecovery, scriptedRecovery } from './recovery-fixtures.js';
import { newRemoval, scriptedRemoval } from './removal-fixtures.js';
import { createTestWorker, startDevServer } from './temporal.js';

/** Records one of each workflow, or of those that are named: `node --import tsx tests/support/record-histories.ts VERSION [NAME ...]`. */
const [version, ...names] = process.argv.slice(2);
if (version === undefined) throw new Error('usage: record-histories.ts VERSION [NAME ...]');

interface Recording {
  readonly activities: Parameters<typeof createTestWorker>[1];
  readonly workflowId: string;
  readonly start: (work: DurableWork) => Promise<void>;
}

/** Every step of each, with a store away once where that is possible. */
const recordings: Readonly<Record<string, () => Recording>> = {
  'drain-wave': () => {
    const wave = newWave(newRequests(5), 'gateway-1');
    const rounds: readonly (readonly DrainOutcome[])[] = [['live', 'parked', 'unfinished', 'failed', 'waiting'], ['live'], ['live'], ['live']];
    let call = 0;
    const drainDevices = ({ requests }: { readonly requests: readonly unknown[] }) => {
      const outcomes = rounds[call] ?? [];
      call += 1;
      return Promise.resolve(requests.map((_, index) => ({ outcome: outcomes[index] ?? ('live' as const), rows: 5 })));
    };
    return {
      activities: { drainDevices, giveUpDrains: () => Promise.resolve(0) },
      workflowId: drainWaveId(wave),
      start: (work) => work.startDrainWave(wave),
    };
  },
  'media-expiry': () => {
    const bucket = pastBucket();
    const full = { files: 1_000, bytes: 5_000, more: true };
    const { activities } = scriptedExpiry([full, away('the blob store'), full, { files: 3, bytes: 15, more: false }]);
    return { activities, workflowId: expiryId(bucket), start: (work) => work.startMediaExpiry(bucket) };
  },
  'gateway-recovery': () => {
    const recovery = newRecovery(10_000);
    const { activities } = scriptedRecovery([
      { watchedMs: 10_000, away: 1_100, lineMs: 4_000 },
      away('the session registry'),
      { watchedMs: 10_000, away: 100, lineMs: 0 },
    ]);
    return { activities, workflowId: recoveryId(recovery), start: (work) => work.startGatewayRecovery(recovery) };
  },
  'device-unlink': () => removal('device'),
  'account-erasure': () => removal('account'),
  'device-link': () => {
    const link = newLinkPlan();
    const { activities } = scriptedLink(['answered', away('the directory'), 'joined', 'offered', 'done'], 5_000);
    return { activities, workflowId: deviceLinkId(link), start: (work) => work.startDeviceLink(link, newAccountId()) };
  },
};

function removal(kind: RemovalKind): Recording {
  const plan = newRemoval(kind, 1_000);
  const { activities } = scriptedRemoval([away('the log')]);
  return { activities, workflowId: removalWorkflowId(plan), start: (work) => work.startRemoval(plan) };
}

function away(what: string): ApplicationFailure {
  return ApplicationFailure.create({ type: 'unavailable', message: `${what} is away` });
}

const env = await startDevServer();
const connection = openTemporalConnection({ address: env.address, namespace: 'default', taskQueue: drainTaskQueue });
const work = createTemporalDurableWork(connection);
for (const [name, record] of Object.entries(recordings)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const { activities, workflowId, start } = record();
  const worker = await createTestWorker(env, activities);
  await worker.runUntil(async () => {
    await eventually(() => start(work));
    const handle = env.client.workflow.getHandle(workflowId);
    await handle.result();
    // Whose machine it was is nobody's news.
    const history = historyToJSON(await handle.fetchHistory()).replaceAll(/"\d+@[^"-]+/g, '"1@worker');
    await writeFile(join('tests/workflows/histories', `${name}-${version}.json`), history);
  });
}
await connection.close();
await env.teardown();
