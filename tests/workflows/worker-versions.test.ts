import { spawnSync } from 'node:child_process';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { pino } from 'pino';

import type { InboxDrainActivities } from '../../activities/inbox-drain.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { createTemporalDurableWork } from '../../adapters/temporal/durable-work.js';
import { openTemporalConnection, type TemporalConnection } from '../../adapters/temporal/temporal-connection.js';
import { startTemporalWorker, type TemporalWorker } from '../../app/temporal-worker.js';
import { drainWaveId, type DrainWave } from '../../core/drain-plan.js';
import { deferred, newRequests, newWave } from '../support/drain-fixtures.js';
import { drainTaskQueue } from '../support/drain-task-queue.js';
import { eventually } from '../support/eventually.js';
import { idleActivities } from '../support/idle-activities.js';
import { quietRuntime, startDevServer, temporalCli, workflowBundle } from '../support/temporal.js';

const live: InboxDrainActivities = {
  drainDevices: ({ requests }) => Promise.resolve(requests.map(() => ({ outcome: 'live', rows: 1 }))),
  giveUpDrains: () => Promise.resolve(0),
};

let env: TestWorkflowEnvironment;
let connection: TemporalConnection;
const workers: TemporalWorker[] = [];

beforeAll(async () => {
  quietRuntime();
  env = await startDevServer();
  connection = openTemporalConnection({ address: env.address, namespace: 'default', taskQueue: drainTaskQueue });
}, 60_000);
afterAll(async () => {
  for (const worker of workers) await worker.close();
  await connection.close();
  await env.teardown();
});

function startBuild(buildId: string, bundlePath: string, activities: InboxDrainActivities): void {
  const worker = startTemporalWorker({
    ...{ address: env.address, namespace: 'default', taskQueue: drainTaskQueue, buildId, bundlePath },
    activities: { ...idleActivities, ...activities },
    slots: { workflowTasks: 20, activities: 20, cachedWorkflows: 50 },
    clock: createSystemClock(),
    logger: pino({ level: 'silent' }),
  });
  workers.push(worker);
}

/** As docs/temporal.md says. */
function makeCurrent(buildId: string): Promise<void> {
  const args = ['worker', 'deployment', 'set-current-version', '--address', env.address, '--deployment-name', drainTaskQueue, '--build-id', buildId];
  return eventually(() => {
    const { status, stderr } = spawnSync(temporalCli(), [...args, '--yes'], { encoding: 'utf8' });
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  }, 20_000);
}

const handleOf = (wave: DrainWave) => connection.client.workflow.getHandle(drainWaveId(wave));

async function historyOf(wave: DrainWave) {
  const { events } = await handleOf(wave).fetchHistory();
  const builds = (events ?? []).flatMap(({ workflowTaskCompletedEventAttributes: task }) => task?.deploymentVersion?.buildId ?? []);
  return { builds: [...new Set(builds)], hasTimer: (events ?? []).some(({ timerStartedEventAttributes: timer }) => timer) };
}

test('of two builds whose workflows differ each ends what it began, and new workflows go to the current one', async () => {
  const work = createTemporalDurableWork(connection);
  const [begun, end] = [deferred(), deferred()];
  startBuild('build-1', workflowBundle(), {
    ...live,
    drainDevices: async (wave) => {
      begun.resolve();
      await end.promise;
      return live.drainDevices(wave);
    },
  });
  await makeCurrent('build-1');
  const [before, after] = [newWave(newRequests(2)), newWave(newRequests(3))];
  await eventually(() => work.startDrainWave(before));
  await begun.promise;

  // One that running workflows do not survive: a timer before everything else.
  startBuild('build-2', workflowBundle('tests/support/changed-workflows/changed.ts'), live);
  await makeCurrent('build-2');
  await work.startDrainWave(after);
  expect(await handleOf(after).result()).toMatchObject({ live: 3 });
  expect(await historyOf(after)).toEqual({ builds: ['build-2'], hasTimer: true });

  end.resolve();
  expect(await handleOf(before).result()).toMatchObject({ live: 2 });
  expect(await historyOf(before)).toEqual({ builds: ['build-1'], hasTimer: false });
}, 120_000);
