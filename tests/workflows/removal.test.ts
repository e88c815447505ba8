import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

import { removalWorkflowId, type RemovalPlan } from '../../core/removal-plan.js';
import type { accountErasure, deviceUnlink } from '../../workflows/removal.js';
import { drainTaskQueue } from '../support/drain-task-queue.js';
import { newRemoval, scriptedRemoval } from '../support/removal-fixtures.js';
import { createTestWorker, startTimeSkipping } from '../support/temporal.js';

let env: TestWorkflowEnvironment;
beforeAll(async () => {
  env = await startTimeSkipping();
}, 60_000);
afterAll(async () => {
  await env.teardown();
});

const start = (removal: RemovalPlan) =>
  env.client.workflow.start<typeof deviceUnlink | typeof accountErasure>(removal.kind === 'device' ? 'deviceUnlink' : 'accountErasure', {
    workflowId: removalWorkflowId(removal),
    taskQueue: drainTaskQueue,
    args: [removal],
  });

describe('the removal of an unlinked device', () => {
  test('empties its inbox, and again after everything that was accepted for it is routed', async () => {
    const removal = newRemoval('device');
    const { activities, asked, finished } = scriptedRemoval();
    const worker = await createTestWorker(env, activities);
    const removed = { devices: 2, groupsLeft: 0, channelsLeft: 0, files: 0 };
    expect(await worker.runUntil(async () => (await start(removal)).result())).toEqual(removed);
    expect(asked).toEqual(['empty inboxes', 'await routing', 'empty inboxes', 'finish']);
    expect(finished).toEqual([{ removalId: removal.removalId, removed }]);
  });

  test('waits until every gateway has heard of it', async () => {
    const { activities, asked } = scriptedRemoval();
    const worker = await createTestWorker(env, activities);
    await worker.runUntil(async () => {
      const handle = await start(newRemoval('device', 3_600_000));
      await env.sleep('59 minutes');
      expect(asked).toEqual(['empty inboxes']);
      await env.sleep('2 minutes');
      await handle.result();
      expect(asked.at(-1)).toBe('finish');
    });
  });
});

describe('the removal of an erased account', () => {
  test('leaves its conversations and ends its files first, page by page', async () => {
    const { activities, asked, finished } = scriptedRemoval();
    const worker = await createTestWorker(env, activities);
    const removed = { devices: 2, groupsLeft: 120, channelsLeft: 10, files: 1_700 };
    expect(await worker.runUntil(async () => (await start(newRemoval('account'))).result())).toEqual(removed);
    const first = ['leave, first page', 'leave, second page', 'end files', 'end files'];
    expect(asked).toEqual([...first, 'empty inboxes', 'await routing', 'empty inboxes', 'finish']);
    expect(finished.map(({ removed: told }) => told)).toEqual([removed]);
  });

  test('goes on when the log is back, and tells its progress to a query and in words for the Web UI', async () => {
    const away = ApplicationFailure.create({ type: 'unavailable', message: 'the log is away' });
    const { activities } = scriptedRemoval([away, away, away]);
    const worker = await createTestWorker(env, activities);
    await worker.runUntil(async () => {
      const handle = await start(newRemoval('account'));
      await handle.result();
      expect(await handle.query('progress')).toEqual({ state: 'done', devices: 2, groupsLeft: 120, channelsLeft: 10, files: 1_700 });
      const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
      expect(currentDetails).toBe('**Removal of an erased account**: done, 2 devices, 120 groups, 10 channels, 1700 files');
    });
  });
});
