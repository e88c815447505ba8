import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Context } from '@temporalio/activity';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

import type { InboxDrainActivities } from '../../activities/inbox-drain.js';
import { drainWaveId, noDrains, type DrainCounts, type DrainOutcome, type DrainWave } from '../../core/drain-plan.js';
import { deviceKey } from '../../protocol/ids.js';
import { deferred, newRequests, newWave } from '../support/drain-fixtures.js';
import { createTestWorker, startTimeSkipping } from '../support/temporal.js';
import type { drainWave } from '../../workflows/drain-wave.js';
import type { DrainProgress } from '../../workflows/drain-wave-details.js';
import { drainTaskQueue } from '../support/drain-task-queue.js';

let env: TestWorkflowEnvironment;
beforeAll(async () => {
  env = await startTimeSkipping();
}, 60_000);
afterAll(async () => {
  await env.teardown();
});

/** Activities that answer for each device what its script says next (the last answer for ever), and write down what they were asked. */
function scripted(scripts: Map<string, readonly DrainOutcome[]>) {
  const asked: DrainWave[] = [];
  const givenUp: DrainWave[] = [];
  const calls = new Map<string, number>();
  const activities: InboxDrainActivities = {
    drainDevices: (wave) => {
      asked.push(wave);
      return Promise.resolve(
        wave.requests.map(({ device }) => {
          const key = deviceKey(device);
          const call = calls.get(key) ?? 0;
          calls.set(key, call + 1);
          const script = scripts.get(key) ?? ['live'];
          return { outcome: script[Math.min(call, script.length - 1)] ?? 'live', rows: 3 };
        }),
      );
    },
    giveUpDrains: (wave) => {
      givenUp.push(wave);
      return Promise.resolve(wave.requests.length);
    },
  };
  return { activities, asked, givenUp };
}

const start = (wave: DrainWave) =>
  env.client.workflow.start<typeof drainWave>('drainWave', { workflowId: drainWaveId(wave), taskQueue: drainTaskQueue, args: [wave] });

async function runWave(wave: DrainWave, activities: InboxDrainActivities): Promise<DrainCounts> {
  const worker = await createTestWorker(env, activities);
  return worker.runUntil(async () => (await start(wave)).result());
}

/** The waits that the wave ordered, in seconds. */
async function timersOf(wave: DrainWave): Promise<number[]> {
  const { events } = await env.client.workflow.getHandle(drainWaveId(wave)).fetchHistory();
  return (events ?? []).flatMap(({ timerStartedEventAttributes: timer }) => (timer ? [Number(timer.startToFireTimeout?.seconds ?? 0)] : []));
}

describe('a drain wave', () => {
  test('ends after one round when every device is live, and counts them', async () => {
    const wave = newWave(newRequests(37));
    const { activities, asked } = scripted(new Map());
    expect(await runWave(wave, activities)).toEqual({ ...noDrains, live: 37, rows: 37 * 3 });
    expect(asked).toEqual([wave]);
    expect(await timersOf(wave)).toEqual([]);
  });

  test('lets parked, superseded and gone devices leave', async () => {
    const [one, two, three, four] = newRequests(4);
    if (!one || !two || !three || !four) throw new Error('four requests were made');
    const { activities, asked } = scripted(
      new Map([
        [deviceKey(one.device), ['parked']],
        [deviceKey(two.device), ['superseded']],
        [deviceKey(three.device), ['gone']],
      ]),
    );
    expect(await runWave(newWave([one, two, three, four]), activities)).toMatchObject({ live: 1, parked: 1, superseded: 1, gone: 1, givenUp: 0 });
    expect(asked).toHaveLength(1);
  });

  test('tries failed and lost devices again, alone, after 1, 2 and 4 seconds', async () => {
    const [good, bad, lost] = newRequests(3);
    if (!good || !bad || !lost) throw new Error('three requests were made');
    const { activities, asked, givenUp } = scripted(
      new Map([
        [deviceKey(bad.device), ['failed', 'failed', 'failed', 'live']],
        [deviceKey(lost.device), ['lost', 'lost', 'failed', 'gone']],
      ]),
    );
    const wave = newWave([good, bad, lost]);
    expect(await runWave(wave, activities)).toMatchObject({ live: 2, gone: 1 });
    expect(asked.map(({ requests }) => requests)).toEqual([
      [good, bad, lost],
      [bad, lost],
      [bad, lost],
      [bad, lost],
    ]);
    expect(await timersOf(wave)).toEqual([1, 2, 4]);
    expect(givenUp).toEqual([]);
  });

  test('lets a device with more rows go on at once while others back off', async () => {
    const [long, bad] = newRequests(2);
    if (!long || !bad) throw new Error('two requests were made');
    const { activities, asked } = scripted(
      new Map([
        [deviceKey(long.device), ['unfinished', 'unfinished', 'unfinished', 'live']],
        [deviceKey(bad.device), ['failed', 'live']],
      ]),
    );
    const wave = newWave([long, bad]);
    expect(await runWave(wave, activities)).toMatchObject({ live: 2 });
    expect(asked.map(({ requests }) => requests)).toEqual([[long, bad], [long], [long], [long], [bad]]);
    expect(await timersOf(wave)).toEqual([1]);
  });

  test('never gives up a device that only has to wait', async () => {
    const requests = newRequests(1);
    const key = requests.map(({ device }) => deviceKey(device))[0] ?? '';
    const { activities, asked, givenUp } = scripted(new Map([[key, [...Array<DrainOutcome>(15).fill('waiting'), 'live']]]));
    expect(await runWave(newWave(requests), activities)).toMatchObject({ live: 1 });
    expect(asked).toHaveLength(16);
    expect(givenUp).toEqual([]);
  });

  test('closes the sessions whose 10 rounds all failed', async () => {
    const [good, bad] = newRequests(2);
    if (!good || !bad) throw new Error('two requests were made');
    const { activities, asked, givenUp } = scripted(new Map([[deviceKey(bad.device), ['failed']]]));
    const wave = newWave([good, bad]);
    expect(await runWave(wave, activities)).toMatchObject({ live: 1, givenUp: 1 });
    expect(asked).toHaveLength(10);
    expect(givenUp.map(({ requests }) => requests)).toEqual([[bad]]);
    expect(await timersOf(wave)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  test('takes an activity that fails for good as a failed round', async () => {
    let calls = 0;
    const { activities } = scripted(new Map());
    const broken: InboxDrainActivities = {
      ...activities,
      drainDevices: (wave) => {
        calls += 1;
        if (calls === 1) throw ApplicationFailure.nonRetryable('broken');
        return activities.drainDevices(wave);
      },
    };
    const wave = newWave(newRequests(2));
    expect(await runWave(wave, broken)).toMatchObject({ live: 2 });
    expect(await timersOf(wave)).toEqual([1]);
  });

  test('passes a cancellation on to the activity and ends cancelled when that has stopped', async () => {
    const began = deferred();
    let stopped = false;
    const hanging: InboxDrainActivities = {
      ...scripted(new Map()).activities,
      drainDevices: async () => {
        const context = Context.current();
        began.resolve();
        const beating = setInterval(() => context.heartbeat(), 50);
        try {
          await context.cancelled;
          return [];
        } finally {
          clearInterval(beating);
          stopped = true;
        }
      },
    };
    const wave = newWave(newRequests(1));
    const worker = await createTestWorker(env, hanging);
    await worker.runUntil(async () => {
      const handle = await start(wave);
      await began.promise;
      await handle.cancel();
      const failure = await handle.result().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(WorkflowFailedError);
      expect((failure as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
      expect(stopped).toBe(true);
    });
  });

  test('answers the query progress while it runs and after', async () => {
    const [quick, slow] = newRequests(2);
    if (!quick || !slow) throw new Error('two requests were made');
    const second = deferred();
    const release = deferred();
    const { activities } = scripted(new Map([[deviceKey(slow.device), ['unfinished', 'live']]]));
    const gated: InboxDrainActivities = {
      ...activities,
      drainDevices: async (wave) => {
        if (wave.requests.length === 1) {
          second.resolve();
          await release.promise;
        }
        return activities.drainDevices(wave);
      },
    };
    const wave = newWave([quick, slow]);
    const worker = await createTestWorker(env, gated);
    await worker.runUntil(async () => {
      const handle = await start(wave);
      await second.promise;
      expect(await handle.query<DrainProgress>('progress')).toEqual({
        ...noDrains,
        gatewayId: wave.gatewayId,
        devices: 2,
        open: 1,
        live: 1,
        rows: 6,
      });
      release.resolve();
      await handle.result();
      expect(await handle.query<DrainProgress>('progress')).toMatchObject({ devices: 2, open: 0, live: 2 });
    });
  });

  test('tells its progress in words, for the Web UI', async () => {
    const [good, bad] = newRequests(2);
    if (!good || !bad) throw new Error('two requests were made');
    const { activities } = scripted(new Map([[deviceKey(bad.device), ['failed']]]));
    const wave = newWave([good, bad], 'gateway-1');
    const worker = await createTestWorker(env, activities);
    await worker.runUntil(async () => {
      const handle = await start(wave);
      await handle.result();
      const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
      expect(currentDetails).toBe(
        [
          '**2 devices of gateway-1**: done, 33 rows delivered',
          '',
          '- inbox empty, session live: 1',
          '- given up after every round failed, session closed: 1',
        ].join('\n'),
      );
    });
    const { events } = await env.client.workflow.getHandle(drainWaveId(wave)).fetchHistory();
    const summaries = (events ?? []).flatMap(({ userMetadata }) =>
      userMetadata?.summary?.data ? [Buffer.from(userMetadata.summary.data).toString()] : [],
    );
    expect(summaries).toContain('"drain 2 devices"');
    expect(summaries).toContain('"backoff of 1 device, 9 failed rounds"');
  });
});
