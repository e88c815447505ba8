import { describe, expect, test } from '@jest/globals';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';

import { toActivityFailure } from '../../activities/errors.js';
import { createInboxDrainActivities } from '../../activities/inbox-drain.js';
import type { DrainWave } from '../../core/drain-plan.js';
import { DomainError } from '../../protocol/errors.js';
import { DrainStage, type StageDevice } from '../support/drain-stage.js';
import { newWave } from '../support/drain-fixtures.js';

/** Devices of one stage, each with one queued row, and the wave that drains them. */
function stageWith(count: number): { stage: DrainStage; devices: StageDevice[]; wave: DrainWave } {
  const stage = new DrainStage();
  const devices = Array.from({ length: count }, () => stage.connect());
  for (const device of devices) stage.stores.queue(device.address, {});
  const requests = devices.map(({ address }, index) => ({ device: address, token: stage.requested[index] ?? 0 }));
  return { stage, devices, wave: newWave(requests, 'gateway-1') };
}

const activitiesOf = (stage: DrainStage, maxConcurrentDevices = 32) => createInboxDrainActivities({ ...stage.dependencies, maxConcurrentDevices });

describe('the activities of a drain wave', () => {
  test('drain all devices and answer in the order of the requests, whatever becomes of single ones', async () => {
    const { stage, devices, wave } = stageWith(5);
    const [, silent, left, live] = devices;
    if (!silent || !left || !live) throw new Error('five devices were made');
    silent.acks = false;
    left.session?.close('goingAway');
    const { dependencies } = stage;
    const inbox = {
      ...dependencies.inbox,
      read: (device: typeof live.address, limit: Parameters<typeof dependencies.inbox.read>[1]) =>
        device === live.address ? Promise.reject(new DomainError('unavailable', 'away')) : dependencies.inbox.read(device, limit),
    };
    const { drainDevices } = createInboxDrainActivities({ ...dependencies, inbox, maxConcurrentDevices: 2 });
    const results = await stage.run(new MockActivityEnvironment().run(drainDevices, wave));
    expect(results).toEqual([
      { outcome: 'live', rows: 1 },
      { outcome: 'parked', rows: 0 },
      { outcome: 'gone', rows: 0 },
      { outcome: 'failed', rows: 0 },
      { outcome: 'live', rows: 1 },
    ]);
  });

  test('drain more devices than have a place, side by side', async () => {
    const { stage, devices, wave } = stageWith(50);
    for (const device of devices) device.acks = false;
    await stage.run(new MockActivityEnvironment().run(activitiesOf(stage, 25).drainDevices, wave));
    expect(stage.clock.nowMs()).toBeGreaterThanOrEqual(10_000);
    expect(stage.clock.nowMs()).toBeLessThan(12_000);
  });

  test('heartbeat at once and about once a second, not with every page', async () => {
    const { stage, devices, wave } = stageWith(3);
    const [slow, quick] = devices;
    if (!slow || !quick) throw new Error('three devices were made');
    slow.acks = false;
    for (let index = 0; index < 300; index += 1) stage.stores.queue(quick.address, {});
    const environment = new MockActivityEnvironment();
    const beats: unknown[] = [];
    environment.on('heartbeat', (details: unknown) => beats.push(details));
    await stage.run(environment.run(activitiesOf(stage).drainDevices, wave));
    expect(beats).toEqual([{ ended: 0 }, { ended: 3 }]);
  });

  test('stop when they are cancelled, without waiting for acks', async () => {
    const { stage, devices, wave } = stageWith(3);
    for (const device of devices) device.acks = false;
    const environment = new MockActivityEnvironment();
    stage.clock.after(1_000, () => {
      environment.cancel('CANCELLED');
    });
    await expect(stage.run(environment.run(activitiesOf(stage).drainDevices, wave))).rejects.toThrow(CancelledFailure);
    expect(stage.clock.nowMs()).toBeLessThan(2_000);
  });

  test('give up only sessions that still wait for this drain', async () => {
    const { stage, devices, wave } = stageWith(3);
    const [, nudged, left] = devices;
    nudged?.session?.lapse('now');
    left?.session?.close('goingAway');
    expect(await stage.run(new MockActivityEnvironment().run(activitiesOf(stage).giveUpDrains, wave))).toBe(1);
    expect(devices.map(({ closed }) => closed)).toEqual(['internal', undefined, 'goingAway']);
  });
});

describe('an error that leaves an activity', () => {
  test('keeps its code, and is retried only if the code says so', () => {
    expect(toActivityFailure(new DomainError('unavailable', 'away'))).toMatchObject({ type: 'unavailable', nonRetryable: false });
    const refused = toActivityFailure(new DomainError('forbidden', 'no'));
    expect(refused).toBeInstanceOf(ApplicationFailure);
    expect(refused).toMatchObject({ type: 'forbidden', nonRetryable: true });
    const fault = new Error('fault');
    expect(toActivityFailure(fault)).toBe(fault);
  });
});
