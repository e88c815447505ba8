import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

import { deviceLinkId } from '../../core/link-plan.js';
import type { deviceLink } from '../../workflows/device-link.js';
import { drainTaskQueue } from '../support/drain-task-queue.js';
import { newLinkPlan, scriptedLink } from '../support/link-fixtures.js';
import { createTestWorker, startTimeSkipping } from '../support/temporal.js';

let env: TestWorkflowEnvironment;
beforeAll(async () => {
  env = await startTimeSkipping();
}, 60_000);
afterAll(async () => {
  await env.teardown();
});

const start = () => {
  const link = newLinkPlan();
  return env.client.workflow.start<typeof deviceLink>('deviceLink', { workflowId: deviceLinkId(link), taskQueue: drainTaskQueue, args: [link] });
};
const detailsOf = async (handle: Awaited<ReturnType<typeof start>>) =>
  (await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata')).currentDetails;

describe('the link of a device', () => {
  test('is followed until the new device has what was said before, and then closed', async () => {
    const { activities, asked } = scriptedLink(['answered', 'joined', 'offered', 'done']);
    const worker = await createTestWorker(env, activities);
    expect(await worker.runUntil(async () => (await start()).result())).toBe('done');
    expect(asked).toEqual(['answered', 'joined', 'offered', 'done', 'close, done']);
  });

  test('is closed as over when nobody joined', async () => {
    const { activities, asked } = scriptedLink(['answered', 'answered', 'over']);
    const worker = await createTestWorker(env, activities);
    expect(await worker.runUntil(async () => (await start()).result())).toBe('over');
    expect(asked).toEqual(['answered', 'over', 'close, over']);
  });

  test('stays open until nobody can join by it any more, for a device that did not hear that it had', async () => {
    const { activities, asked } = scriptedLink(['done'], 600_000);
    const worker = await createTestWorker(env, activities);
    await worker.runUntil(async () => {
      const handle = await start();
      await env.sleep('9 minutes');
      expect(asked).toEqual(['done']);
      await handle.result();
      expect(asked).toEqual(['done', 'close, done']);
    });
  });

  test('has the devices woken that it waits for, ever more rarely, and gives up when the notes that they sent each other are gone', async () => {
    const { activities, asked } = scriptedLink(['joined']);
    const worker = await createTestWorker(env, activities);
    await worker.runUntil(async () => {
      const handle = await start();
      await env.sleep('50 seconds');
      expect(asked).toEqual(['joined']);
      await env.sleep('29 days');
      expect(await handle.query('progress')).toBe('joined');
      expect(await handle.result()).toBe('late');
      const wakes = asked.filter((what) => what === 'wake').length;
      expect(wakes).toBeGreaterThan(60);
      expect(wakes).toBeLessThan(150);
      expect(asked.at(-1)).toBe('close, late');
    });
  }, 60_000);

  test('goes on when the directory is back, and tells its progress to a query and in words for the Web UI', async () => {
    const away = ApplicationFailure.create({ type: 'unavailable', message: 'the directory is away' });
    const { activities } = scriptedLink([away, 'answered', away, away, 'done']);
    const worker = await createTestWorker(env, activities);
    await worker.runUntil(async () => {
      const handle = await start();
      await handle.result();
      expect(await handle.query('progress')).toBe('done');
      expect(await detailsOf(handle)).toBe('**Link of a device**: the new device has joined, and has what it wants of what was said before');
    });
  });

  test('is closed when an operator cancels it', async () => {
    const { activities, asked } = scriptedLink(['answered']);
    const worker = await createTestWorker(env, activities);
    await worker.runUntil(async () => {
      const handle = await start();
      await env.sleep('10 seconds');
      await handle.cancel();
      await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      expect(asked).toEqual(['answered', 'close, cancelled']);
      expect(await detailsOf(handle)).toBe('**Link of a device**: cancelled by an operator');
    });
  });
});
