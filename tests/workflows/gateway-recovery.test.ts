import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

import { recoveryId, type Recovery } from '../../core/recovery-plan.js';
import type { gatewayRecovery } from '../../workflows/gateway-recovery.js';
import { drainTaskQueue } from '../support/drain-task-queue.js';
import { newRecovery, scriptedRecovery } from '../support/recovery-fixtures.js';
import { createTestWorker, startTimeSkipping } from '../support/temporal.js';

let env: TestWorkflowEnvironment;
beforeAll(async () => {
  env = await startTimeSkipping();
}, 60_000);
afterAll(async () => {
  await env.teardown();
});

const start = (recovery: Recovery) =>
  env.client.workflow.start<typeof gatewayRecovery>('gatewayRecovery', {
    workflowId: recoveryId(recovery),
    taskQueue: drainTaskQueue,
    args: [recovery],
  });

const all = { count: 'count', corrected: ['correct the first page', 'correct the second page'] };

describe('the recovery of a lost gateway', () => {
  test('corrects page after page, watches until all are back, and forgets the gateway', async () => {
    const recovery = newRecovery();
    const { activities, asked, gatewaysAsked } = scriptedRecovery([
      { watchedMs: 10_000, away: 1_100, lineMs: 4_000 },
      { watchedMs: 10_000, away: 0, lineMs: 0 },
    ]);
    const worker = await createTestWorker(env, activities);
    const counts = await worker.runUntil(async () => (await start(recovery)).result());
    expect(counts).toEqual({ devices: 2_300, returned: 2_300, stayedAway: 0 });
    expect(asked).toEqual([all.count, ...all.corrected, 'watch', 'watch', 'wake', 'end']);
    const { gatewayId, leaseEpoch, lastSeenAtMs } = recovery;
    expect(gatewaysAsked).toEqual(asked.map(() => ({ gatewayId, leaseEpoch, lastSeenAtMs })));
  });

  test('has patience while devices wait in line, then wakes those who stayed away', async () => {
    const waiting = { watchedMs: 10_000, away: 500, lineMs: 1_000 };
    const { activities, asked } = scriptedRecovery([waiting, waiting, waiting, { watchedMs: 10_000, away: 400, lineMs: 0 }]);
    const worker = await createTestWorker(env, activities);
    const counts = await worker.runUntil(async () => (await start(newRecovery(10_000))).result());
    expect(counts).toEqual({ devices: 2_300, returned: 1_900, stayedAway: 400 });
    expect(asked.filter((what) => what === 'watch')).toHaveLength(4);
    expect(asked.slice(-2)).toEqual(['wake', 'end']);
  });

  test('goes on when the registry is back, and tells its progress to a query and in words for the Web UI', async () => {
    const recovery = newRecovery(10_000);
    const away = ApplicationFailure.create({ type: 'unavailable', message: 'the session registry is away' });
    const { activities } = scriptedRecovery([away, away, away, { watchedMs: 10_000, away: 100, lineMs: 0 }]);
    const worker = await createTestWorker(env, activities);
    await worker.runUntil(async () => {
      const handle = await start(recovery);
      await handle.result();
      const { gatewayId } = recovery;
      expect(await handle.query('progress')).toEqual({ gatewayId, state: 'done', devices: 2_300, away: 0, stayedAway: 100, lineMs: 0 });
      const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
      expect(currentDetails).toBe(
        [
          `**${gatewayId} was lost, 2300 devices had not come back when this began**: done`,
          '',
          '- back: 2200',
          '- stayed away, woken by push if something waits for them: 100',
        ].join('\n'),
      );
    });
  });
});
