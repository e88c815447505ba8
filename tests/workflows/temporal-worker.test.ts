import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';

import type { InboxDrainActivities } from '../../activities/inbox-drain.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { createTemporalDurableWork } from '../../adapters/temporal/durable-work.js';
import { openTemporalConnection, type TemporalConnection } from '../../adapters/temporal/temporal-connection.js';
import { freePort } from '../../app/engines/ports.js';
import { startTemporalWorker, type TemporalWorker } from '../../app/temporal-worker.js';
import { drainWaveId, type DrainCounts, type DrainWave } from '../../core/drain-plan.js';
import { deferred, newRequests, newWave } from '../support/drain-fixtures.js';
import { eventually } from '../support/eventually.js';
import { expiryId, pastBucket } from '../support/media-fixtures.js';
import { idleActivities } from '../support/idle-activities.js';
import { quietRuntime, startDevServer, workflowBundle } from '../support/temporal.js';
import { drainTaskQueue } from '../support/drain-task-queue.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const clock = createSystemClock();
const hangingWorker = new URL('../support/hanging-worker.ts', import.meta.url);
const slots = { workflowTasks: 20, activities: 20, cachedWorkflows: 50 };
const allLive: InboxDrainActivities = {
  drainDevices: ({ requests }) => Promise.resolve(requests.map(() => ({ outcome: 'live', rows: 1 }))),
  giveUpDrains: () => Promise.resolve(0),
};

function startWorker(address: string, drainDevices = allLive.drainDevices): TemporalWorker {
  quietRuntime();
  const options = {
    address,
    namespace: 'default',
    taskQueue: drainTaskQueue,
    activities: { ...allLive, ...idleActivities, drainDevices },
    slots,
    clock,
    logger: pino({ level: 'silent' }),
    bundlePath: workflowBundle(),
  };
  const worker = startTemporalWorker(options);
  closers.push(() => worker.close());
  return worker;
}

function connectTo(address: string) {
  const connection = openTemporalConnection({ address, namespace: 'default', taskQueue: drainTaskQueue });
  closers.push(() => connection.close());
  const work = createTemporalDurableWork(connection);
  const result = (wave: DrainWave) => connection.client.workflow.getHandle(drainWaveId(wave)).result() as Promise<DrainCounts>;
  return { connection, work, result };
}

describe('the worker of drain waves', () => {
  test('starts before Temporal is there, and both it and the starter find Temporal when it comes', async () => {
    const port = await freePort();
    const worker = startWorker(`127.0.0.1:${port}`);
    const { work, result } = connectTo(`127.0.0.1:${port}`);
    const wave = newWave(newRequests(3));
    await expect(work.startDrainWave(wave)).rejects.toMatchObject({ code: 'unavailable' });
    expect(worker.isRunning()).toBe(false);
    const env = await startDevServer({ port });
    closers.push(() => env.teardown());
    await eventually(() => work.startDrainWave(wave));
    expect(await result(wave)).toMatchObject({ live: 3 });
    expect(worker.isRunning()).toBe(true);
  });

  test('closes while Temporal is away', async () => {
    const worker = startWorker('127.0.0.1:1');
    await worker.close();
    expect(worker.isRunning()).toBe(false);
  });

  test('takes over the wave of a worker that was killed in the middle of it', async () => {
    const env = await startDevServer();
    closers.push(() => env.teardown());
    const { connection, work, result } = connectTo(env.address);
    const wave = newWave(newRequests(2));
    await eventually(() => work.startDrainWave(wave));
    await beginAndDie(env.address);
    startWorker(env.address);
    expect(await result(wave)).toMatchObject({ live: 2 });
    await expectTakenOver(connection, drainWaveId(wave));
  }, 60_000);

  test('ends a wave under which Temporal itself was stopped and started again', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'heliograph-temporal-'));
    closers.push(() => rm(directory, { recursive: true }));
    const [port, dbFilename] = [await freePort(), join(directory, 'temporal.db')];
    const first = await startDevServer({ port, dbFilename });
    const { work, result } = connectTo(`127.0.0.1:${port}`);
    const [under, end] = [deferred(), deferred()];
    startWorker(`127.0.0.1:${port}`, async ({ requests }) => {
      under.resolve();
      await end.promise;
      return requests.map(() => ({ outcome: 'live', rows: 1 }));
    });
    const wave = newWave(newRequests(3));
    await eventually(() => work.startDrainWave(wave));
    await under.promise;
    await first.teardown();
    const second = await startDevServer({ port, dbFilename });
    closers.push(() => second.teardown());
    end.resolve();
    expect(await eventually(() => result(wave), 30_000)).toMatchObject({ live: 3 });
  }, 90_000);

  test('takes over the deletion of files of a worker that was killed in the middle of it', async () => {
    const env = await startDevServer();
    closers.push(() => env.teardown());
    const { connection, work } = connectTo(env.address);
    const bucket = pastBucket();
    await eventually(() => work.startMediaExpiry(bucket));
    await beginAndDie(env.address);
    startWorker(env.address);
    expect(await connection.client.workflow.getHandle(expiryId(bucket)).result()).toEqual({ files: 0, bytes: 0 });
    await expectTakenOver(connection, expiryId(bucket));
  }, 60_000);
});

async function expectTakenOver({ client }: TemporalConnection, workflowId: string): Promise<void> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const attempts = (events ?? []).flatMap(({ activityTaskStartedEventAttributes: started }) => (started ? [started] : []));
  expect(attempts.map(({ attempt }) => attempt)).toEqual([2]);
  expect(attempts[0]?.lastFailure?.timeoutFailureInfo).toBeTruthy();
}

/** A worker that takes what there is to do, and is killed in the middle of it. */
async function beginAndDie(address: string): Promise<void> {
  const args = ['--import', 'tsx', fileURLToPath(hangingWorker), address, workflowBundle()];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, NODE_OPTIONS: '' } });
  closers.push(() => killed(child));
  await once(child.stdout, 'data');
  await killed(child);
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
