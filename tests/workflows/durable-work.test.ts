import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

import type { InboxDrainActivities } from '../../activities/inbox-drain.js';
import { createTemporalDurableWork } from '../../adapters/temporal/durable-work.js';
import { openTemporalConnection, type TemporalConnection } from '../../adapters/temporal/temporal-connection.js';
import { deviceSearchKey } from '../../core/search-key.js';
import { drainWaveId, type DrainCounts, type DrainWave } from '../../core/drain-plan.js';
import type { DurableWork } from '../../ports/durable-work.js';
import { eventually } from '../support/eventually.js';
import { newRequests, newWave } from '../support/drain-fixtures.js';
import { createTestWorker, startDevServer } from '../support/temporal.js';
import { drainTaskQueue } from '../support/drain-task-queue.js';

let env: TestWorkflowEnvironment;
let connection: TemporalConnection;
let durableWork: DurableWork;

beforeAll(async () => {
  env = await startDevServer({ extraArgs: ['--dynamic-config-value', 'limit.historyCount.suggestContinueAsNew=12'] });
  connection = openTemporalConnection({ address: env.address, namespace: 'default', taskQueue: drainTaskQueue });
  durableWork = createTemporalDurableWork(connection);
  await eventually(() => durableWork.startDrainWave(newWave(newRequests(1))));
}, 60_000);
afterAll(async () => {
  await connection.close();
  await env.teardown();
});

const allLive: InboxDrainActivities = {
  drainDevices: ({ requests }) => Promise.resolve(requests.map(() => ({ outcome: 'live', rows: 1 }))),
  giveUpDrains: () => Promise.resolve(0),
};

async function found(query: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { workflowId } of env.client.workflow.list({ query })) ids.push(workflowId);
  return ids;
}

const summaryOf = ({ executionConfig }: WorkflowExecutionDescription['raw']) =>
  Buffer.from(executionConfig?.userMetadata?.summary?.data ?? []).toString();
const result = (wave: DrainWave): Promise<DrainCounts> => env.client.workflow.getHandle(drainWaveId(wave)).result() as Promise<DrainCounts>;

describe('durable work on Temporal', () => {
  test('starting a wave twice, also after it ended, is one workflow', async () => {
    const wave = newWave(newRequests(2));
    const worker = await createTestWorker(env, allLive);
    await worker.runUntil(async () => {
      await Promise.all([durableWork.startDrainWave(wave), durableWork.startDrainWave(wave)]);
      await result(wave);
      await durableWork.startDrainWave(wave);
      await eventually(async () => {
        expect(await found(`WorkflowId = "${drainWaveId(wave)}" AND ExecutionStatus = "Completed"`)).toHaveLength(1);
      });
    });
    expect(await found(`WorkflowId = "${drainWaveId(wave)}"`)).toHaveLength(1);
    const asked = (await env.client.workflow.getHandle(drainWaveId(wave)).fetchHistory()).events ?? [];
    expect(asked.filter(({ activityTaskScheduledEventAttributes: scheduled }) => scheduled)).toHaveLength(1);
  });

  test('a wave is found by gateway and by each of 200 devices', async () => {
    const wave = newWave(newRequests(200));
    await durableWork.startDrainWave(wave);
    const id = drainWaveId(wave);
    await eventually(async () => {
      expect(await found(`HeliographGateway = "${wave.gatewayId}"`)).toEqual([id]);
    });
    for (const { device } of [wave.requests[0], wave.requests[99], wave.requests[199]].flatMap((request) => request ?? [])) {
      expect(await found(`HeliographDevices = "${deviceSearchKey(device)}"`)).toEqual([id]);
    }
  });

  test('a wave says in words what it is, and runs before what can wait', async () => {
    const wave = newWave(newRequests(37), 'gateway-1');
    await durableWork.startDrainWave(wave);
    const { raw, priority } = await env.client.workflow.getHandle(drainWaveId(wave)).describe();
    expect(summaryOf(raw)).toBe('"drain of 37 devices of gateway-1"');
    expect(priority).toMatchObject({ priorityKey: 1, fairnessKey: 'gateway-1' });
  });

  test('a long wave goes on in a new run and stays searchable', async () => {
    const wave = newWave(newRequests(1));
    let calls = 0;
    const long: InboxDrainActivities = {
      ...allLive,
      drainDevices: (part) => {
        if (part.gatewayId !== wave.gatewayId) return allLive.drainDevices(part);
        calls += 1;
        return Promise.resolve([{ outcome: calls < 8 ? 'unfinished' : 'live', rows: 10 }]);
      },
    };
    const worker = await createTestWorker(env, long);
    await worker.runUntil(async () => {
      await durableWork.startDrainWave(wave);
      expect(await result(wave)).toMatchObject({ live: 1, rows: 80 });
    });
    await eventually(async () => {
      expect((await found(`HeliographGateway = "${wave.gatewayId}"`)).length).toBeGreaterThan(1);
    });
    expect(calls).toBe(8);
    const { priority } = await env.client.workflow.getHandle(drainWaveId(wave)).describe();
    expect(priority).toMatchObject({ priorityKey: 1, fairnessKey: wave.gatewayId });
  });

  test('says unavailable within 2 s while Temporal is away', async () => {
    const away = openTemporalConnection({ address: '127.0.0.1:1', namespace: 'default', taskQueue: drainTaskQueue });
    const startedAtMs = Date.now();
    await expect(createTemporalDurableWork(away).startDrainWave(newWave(newRequests(1)))).rejects.toMatchObject({
      name: 'DomainError',
      code: 'unavailable',
    });
    expect(Date.now() - startedAtMs).toBeLessThan(2_000);
    await away.close();
  });
});
