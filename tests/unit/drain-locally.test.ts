import { describe, expect, test } from '@jest/globals';

import { drainLocally } from '../../activities/drain-locally.js';
import { LocalDrains } from '../../activities/local-drains.js';
import { DrainStage } from '../support/drain-stage.js';

const never = new AbortController().signal;

describe('draining in the gateway', () => {
  test('goes on in rounds until a long inbox is empty', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    for (let index = 0; index < 2_500; index += 1) stage.stores.queue(device.address, {});
    await stage.run(drainLocally(stage.dependencies, stage.target(device), never));
    expect(device.items).toHaveLength(2_500);
    expect(device.session?.state).toBe('live');
  });

  test('backs off while the inbox is away and ends live when it is back', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    stage.stores.queue(device.address, {});
    stage.stores.inboxIsAway = true;
    stage.clock.after(5_000, () => {
      stage.stores.inboxIsAway = false;
    });
    await stage.run(drainLocally(stage.dependencies, stage.target(device), never));
    expect(device.session?.state).toBe('live');
    expect(stage.clock.nowMs()).toBe(7_000);
    expect(stage.events.failures).toHaveLength(3);
  });

  test('closes the session after 10 failed rounds, unless its watchdog took over before', async () => {
    const stage = new DrainStage({ drainSilenceMs: Infinity });
    const device = stage.connect();
    stage.stores.inboxIsAway = true;
    await stage.run(drainLocally(stage.dependencies, stage.target(device), never));
    expect(stage.events.failures).toHaveLength(10);
    expect(device.closed).toBe('internal');

    const watched = new DrainStage({ drainSilenceMs: 15_000 });
    const other = watched.connect();
    watched.stores.inboxIsAway = true;
    await watched.run(drainLocally(watched.dependencies, watched.target(other), never));
    expect(watched.requested.length).toBeGreaterThan(1);
    expect(other.closed).toBeUndefined();
  });

  test('runs no more drains at a time than it may, and all of them in the end', async () => {
    const stage = new DrainStage();
    const devices = Array.from({ length: 9 }, () => stage.connect());
    let most = 0;
    let now = 0;
    const { dependencies } = stage;
    const inbox = {
      ...dependencies.inbox,
      read: async (...args: Parameters<typeof dependencies.inbox.read>) => {
        now += 1;
        most = Math.max(most, now);
        await stage.clock.sleep(50);
        now -= 1;
        return dependencies.inbox.read(...args);
      },
    };
    const drains = new LocalDrains({ ...dependencies, inbox, gatewayId: 'gateway-1', maxConcurrentDevices: 3 });
    devices.forEach((device, index) => {
      drains.drain(device.address, stage.requested[index] ?? 0);
    });
    await stage.run(stage.clock.sleep(1_000));
    expect(devices.map(({ session }) => session?.state)).toEqual(devices.map(() => 'live'));
    expect(most).toBe(3);
    await drains.close();
  });

  test('closing calls off those that run and those that wait for a turn', async () => {
    const stage = new DrainStage();
    const devices = [stage.connect(), stage.connect(), stage.connect()];
    for (const device of devices) {
      device.acks = false;
      stage.stores.queue(device.address, {});
    }
    const drains = new LocalDrains({ ...stage.dependencies, gatewayId: 'gateway-1', maxConcurrentDevices: 1 });
    devices.forEach((device, index) => {
      drains.drain(device.address, stage.requested[index] ?? 0);
    });
    await stage.run(stage.clock.sleep(1_000));
    await stage.run(drains.close());
    expect(stage.clock.nowMs()).toBeLessThan(1_500);
    expect(devices.map(({ items }) => items.length)).toEqual([1, 0, 0]);
    expect(stage.events.failures).toEqual([]);
  });
});
