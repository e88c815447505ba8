import { describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';

import { createMemoryQuietPeriods } from '../../adapters/memory/quiet-periods.js';
import { createMemorySessionRegistry } from '../../adapters/memory/session-registry.js';
import { DeviceWaker } from '../../pipeline/push-notifier/device-waker.js';
import { PartitionNotifier } from '../../pipeline/push-notifier/partition-notifier.js';
import type { InboxRow } from '../../ports/inbox.js';
import type { PushOutcome } from '../../ports/push-sender.js';
import { DomainError } from '../../protocol/errors.js';
import { deviceKey, type DeviceAddress } from '../../protocol/ids.js';
import { encodeWakeUpRecord } from '../../protocol/log-records.js';
import type { PushSubscription } from '../../protocol/rest/push.js';
import { createLogger } from '../../telemetry/logger.js';
import { createPushEvents } from '../../telemetry/push-events.js';
import { newDevice } from '../support/drain-fixtures.js';
import { VirtualClock } from '../support/simulation/virtual-clock.js';

const quietMs = 60_000;
const row = {} as InboxRow;
const [one, other, third] = [newDevice(), newDevice(), newDevice()] as const;

/** Every device has a subscription and a row, until a test takes them away. */
function stage({ maxWaiting = 100, maxAttempts = 10 } = {}) {
  const clock = new VirtualClock();
  const registry = createMemorySessionRegistry(clock);
  const metrics = new Registry();
  const drained = new Set<string>();
  const shortOfKeys = new Set<string>();
  const unsubscribed = new Set<string>();
  const pushes: { readonly device: string; readonly atMs: number }[] = [];
  const committed: number[] = [];
  const [removed, state] = [[] as string[], { inboxIsAway: false, answer: (): PushOutcome => ({ outcome: 'sent' }) }];
  const waiting: (() => void)[] = [];
  let held = false;
  const events = createPushEvents(createLogger('silent'), metrics);
  const waker = new DeviceWaker({
    registry,
    quietPeriods: createMemoryQuietPeriods(clock, quietMs),
    inbox: {
      read: (device) => {
        if (state.inboxIsAway) return Promise.reject(new DomainError('unavailable', 'away'));
        return Promise.resolve({ rows: drained.has(deviceKey(device)) ? [] : [row], more: false, suspects: [] });
      },
    },
    pushSubscriptions: {
      find: (devices) => Promise.resolve(devices.map((device) => (unsubscribed.has(deviceKey(device)) ? undefined : subscriptionOf(device)))),
      removeUnregistered: (device) => {
        removed.push(deviceKey(device));
        return Promise.resolve();
      },
      put: () => Promise.reject(new Error('nobody puts')),
      remove: () => Promise.reject(new Error('nobody removes')),
    },
    prekeys: { count: (device) => Promise.resolve({ ec: 100, kem: shortOfKeys.has(deviceKey(device)) ? 3 : 100 }) },
    pushSender: {
      applicationServerKey: '',
      check: () => undefined,
      send: async ({ endpoint }) => {
        pushes.push({ device: endpoint, atMs: clock.nowMs() });
        if (held) await new Promise<void>((resolve) => waiting.push(resolve));
        return state.answer();
      },
    },
    events,
  });
  const assignment = {
    partition: 0,
    commit: (offset: number) => {
      committed.push(offset);
      return Promise.resolve();
    },
  };
  const notifier = new PartitionNotifier(assignment, { waker, clock, events, maxWaiting, maxAttempts });
  const records = (devices: readonly DeviceAddress[], first: number, notBeforeMs = 0, forKeys?: true) =>
    notifier.records(
      devices.map((device, index) => {
        const value = encodeWakeUpRecord({ ...device, notBeforeMs, ...(forKeys === undefined ? {} : { forKeys }) });
        return { partition: 0, offset: first + index, appendedAtMs: 0, key: device.accountId, value };
      }),
    );
  const pass = async (ms: number) => {
    await settled();
    const untilMs = clock.nowMs() + ms;
    clock.after(ms, () => undefined);
    while (clock.nowMs() < untilMs) await clock.step(untilMs);
    await settled();
  };
  return {
    ...{ notifier, registry, state, drained, shortOfKeys, unsubscribed, removed, pushes, committed, records, pass },
    pushed: () => pushes.map(({ device }) => device),
    hold: () => {
      held = true;
    },
    letGo: async () => {
      held = false;
      for (const resolve of waiting.splice(0)) resolve();
      await settled();
    },
    outcomes: async () => {
      const { values } = (await metrics.getSingleMetric('heliograph_wake_ups_total')?.get()) ?? { values: [] };
      return new Map(values.map(({ labels, value }) => [String(labels['outcome']), value]));
    },
  };
}

function subscriptionOf(device: DeviceAddress): PushSubscription {
  return { kind: 'web', endpoint: deviceKey(device), keys: { p256dh: '', auth: '' } };
}

async function settled(): Promise<void> {
  for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('the push-notifier', () => {
  test('wakes each device once, and commits what is done', async () => {
    const { records, pushed, committed } = stage();
    await records([one, other, one, one], 10);
    await settled();
    expect(pushed()).toEqual([deviceKey(one), deviceKey(other)]);
    expect(committed.at(-1)).toBe(14);
  });

  test('leaves alone who has a session, nothing in the inbox, or no subscription', async () => {
    const { registry, drained, unsubscribed, records, pushed, outcomes, committed } = stage();
    const leaseEpoch = await registry.openLease('g');
    await registry.claim([{ device: one, gatewayId: 'g', leaseEpoch, sessionEpoch: 1 }]);
    drained.add(deviceKey(other));
    unsubscribed.add(deviceKey(third));
    await records([one, other, third], 0);
    await settled();
    expect([pushed(), await outcomes(), committed.at(-1)]).toEqual([
      [],
      new Map([
        ['cancelled', 2],
        ['unsubscribed', 1],
      ]),
      3,
    ]);
  });

  test('wakes for want of keys who has nothing in the inbox, if that was asked for and is still so', async () => {
    const { records, pass, pushed, outcomes, drained, shortOfKeys } = stage();
    for (const device of [one, other, third]) drained.add(deviceKey(device));
    for (const device of [one, third]) shortOfKeys.add(deviceKey(device));
    await records([one, other], 0, 0, true);
    await records([third], 2);
    await pass(1_000);
    expect(pushed()).toEqual([deviceKey(one)]);
    expect((await outcomes()).get('cancelled')).toBe(2);
    // Asked for both, in whatever order: it is woken for either.
    await records([third], 3, 5_000);
    await records([third], 4, 0, true);
    await pass(10_000);
    expect(pushed()).toEqual([deviceKey(one), deviceKey(third)]);
  });

  test('waits for a device that may come back, and no longer once it is asked for at once', async () => {
    const { records, pass, pushes, committed } = stage();
    await records([one, other], 0, 10_000);
    await pass(5_000);
    expect([pushes, committed]).toEqual([[], []]);
    await records([other], 2);
    await pass(20_000);
    expect(pushes).toEqual([
      { device: deviceKey(other), atMs: 5_000 },
      { device: deviceKey(one), atMs: 10_000 },
    ]);
    expect(committed.at(-1)).toBe(3);
  });

  test('wakes once more at the end of the quiet period for all that came in it, and commits that only then', async () => {
    const { records, pass, pushes, committed } = stage();
    await records([one], 0);
    for (let offset = 1; offset <= 20; offset += 1) {
      await pass(1_000);
      await records([one], offset);
    }
    await settled();
    expect([pushes.length, committed.at(-1)]).toEqual([1, 1]);
    await pass(quietMs * 5);
    expect(pushes.map(({ atMs }) => atMs)).toEqual([0, quietMs]);
    expect(committed.at(-1)).toBe(21);
  });

  test('does not forget who is asked for while a push to it is under way', async () => {
    const { records, pass, pushes, committed, hold, letGo } = stage();
    hold();
    await records([one], 0);
    await settled();
    await records([one, one], 1);
    await letGo();
    expect([pushes.length, committed.at(-1)]).toEqual([1, 1]);
    await pass(quietMs + 1_000);
    expect([pushes.length, committed.at(-1)]).toEqual([2, 3]);
  });

  test('tries a push service that is away again, ever later, five times in all', async () => {
    const { state, records, pass, pushes, outcomes, committed } = stage();
    state.answer = () => ({ outcome: 'later' });
    await records([one], 0);
    await pass(quietMs * 10);
    const times = pushes.map(({ atMs }) => atMs);
    expect(times.slice(1).map((atMs, index) => Math.floor((atMs - (times[index] ?? 0)) / 1_000))).toEqual([2, 8, 32, 128]);
    expect([await outcomes(), committed.at(-1)]).toEqual([new Map([['given-up', 1]]), 1]);
  });

  test('comes back when a push service said, though not after more than ten minutes', async () => {
    const { state, records, pass, pushes } = stage();
    const answers: PushOutcome[] = [
      { outcome: 'later', retryAfterMs: 20_000 },
      { outcome: 'later', retryAfterMs: 10 ** 9 },
    ];
    state.answer = () => answers.shift() ?? { outcome: 'sent' };
    await records([one], 0);
    await pass(3_600_000);
    expect(pushes.map(({ atMs }) => atMs)).toEqual([0, 20_000, 620_000]);
  });

  test('removes a subscription that the push service does not know any more', async () => {
    const { state, records, removed, outcomes } = stage();
    state.answer = () => ({ outcome: 'unregistered' });
    await records([one], 0);
    await settled();
    expect([removed, await outcomes()]).toEqual([[deviceKey(one)], new Map([['unregistered', 1]])]);
  });

  test('passes over nobody while a store is away', async () => {
    const { state, records, pass, pushed, committed } = stage();
    state.inboxIsAway = true;
    await records([one], 0);
    await pass(quietMs);
    expect([pushed(), committed]).toEqual([[], []]);
    state.inboxIsAway = false;
    await pass(2_000);
    expect([pushed(), committed]).toEqual([[deviceKey(one)], [1]]);
  });

  test('takes no more records while too many devices wait, and sends to a few at once', async () => {
    const { records, pushed, hold, letGo, committed } = stage({ maxWaiting: 3, maxAttempts: 2 });
    hold();
    let taken = false;
    const taking = records([one, other, third], 0).then(() => {
      taken = true;
    });
    await settled();
    expect([taken, pushed().length]).toEqual([false, 2]);
    await letGo();
    await taking;
    expect([pushed().length, committed.at(-1)]).toEqual([3, 3]);
  });

  test('leaves to the next owner of a partition what is not done, after the pushes that are under way', async () => {
    const { notifier, records, hold, letGo, pass, pushed, committed } = stage();
    hold();
    await records([one], 0);
    await records([other], 1, 10_000);
    await settled();
    let isOver = false;
    const revoking = notifier.revoked().then(() => {
      isOver = true;
    });
    await settled();
    expect(isOver).toBe(false);
    await letGo();
    await revoking;
    await pass(quietMs);
    expect([pushed(), committed]).toEqual([[deviceKey(one)], [1]]);
  });
});
