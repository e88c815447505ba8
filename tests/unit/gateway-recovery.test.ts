import { afterEach, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { Registry } from 'prom-client';

import { createGatewayRecoveryActivities, type GatewayRecoveryActivities } from '../../activities/gateway-recovery.js';
import { createLmdbLostGateways } from '../../adapters/lmdb/lmdb-lost-gateways.js';
import { createMemorySessionRegistry } from '../../adapters/memory/session-registry.js';
import { createMemoryWaitingLine } from '../../adapters/memory/waiting-line.js';
import { isHerdOver, type LostGateway, type Recovery } from '../../core/recovery-plan.js';
import { startRecoveries } from '../../pipeline/work-starter/start-recoveries.js';
import { DomainError } from '../../protocol/errors.js';
import { deviceKey, type DeviceAddress } from '../../protocol/ids.js';
import { createLogger } from '../../telemetry/logger.js';
import { createRecoveryEvents } from '../../telemetry/recovery-events.js';
import { newDevice } from '../support/drain-fixtures.js';
import { eventually } from '../support/eventually.js';
import { deviceNumber } from '../support/ids.js';
import { openLmdbStore } from '../support/lmdb.js';
import { passOn, VirtualClock } from '../support/simulation/virtual-clock.js';

const disposals: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const dispose of disposals.splice(0)) await dispose();
});

/** A gateway with these devices that was lost, and one that is there. */
async function stage(devices: readonly DeviceAddress[]) {
  const { store, dispose } = openLmdbStore();
  disposals.push(dispose);
  const clock = new VirtualClock();
  const { registry, lostGateways } = createLmdbLostGateways(store, { registry: createMemorySessionRegistry(clock), clock });
  const lease = await registry.openLease('gateway-1');
  await registry.claim(devices.map((device) => ({ device, gatewayId: 'gateway-1', leaseEpoch: lease, sessionEpoch: 1 })));
  await passOn(clock, 12_000);
  const other = await registry.openLease('gateway-2');
  const [lost] = await lostGateways.list();
  if (lost === undefined) throw new Error('no gateway was lost');
  const told: string[] = [];
  const woken: string[] = [];
  const seen = new Map<string, number>();
  const activities = createGatewayRecoveryActivities({
    ...{ registry, lostGateways, clock, line: createMemoryWaitingLine(clock) },
    devices: {
      seen: (device, atMs) => {
        seen.set(deviceKey(device), atMs);
        return Promise.resolve(undefined);
      },
    } as Parameters<typeof createGatewayRecoveryActivities>[0]['devices'],
    presence: {
      tell: ({ accountId, came }) => {
        told.push(`${accountId} ${came ? 'came' : 'left'}`);
        return Promise.resolve();
      },
    } as Parameters<typeof createGatewayRecoveryActivities>[0]['presence'],
    wakeUps: { ask: (device, when) => void woken.push(`${deviceKey(device)} ${when}`) },
    events: createRecoveryEvents(createLogger('silent'), new Registry()),
  });
  const run = <Input extends unknown[], Answer>(
    activity: (of: GatewayRecoveryActivities) => (...input: Input) => Promise<Answer>,
    ...input: Input
  ): Promise<Answer> => new MockActivityEnvironment().run(activity(activities), ...input);
  const comeBack = (device: DeviceAddress) => registry.claim([{ device, gatewayId: 'gateway-2', leaseEpoch: other, sessionEpoch: 2 }]);
  return { clock, registry, lostGateways, lost, told, woken, seen, run, comeBack };
}

describe('what is done for the devices of a lost gateway', () => {
  const phone = newDevice();
  const tablet = { ...phone, deviceId: deviceNumber(2) };
  const laptop = newDevice();

  test('those that are away were last seen with it and are offline, once an account; those that are back are left alone', async () => {
    const { lost, told, seen, run, comeBack } = await stage([phone, tablet, laptop]);
    expect(await run((of) => of.countOrphans, lost)).toBe(3);
    await comeBack(laptop);
    expect(await run((of) => of.correctOrphans, lost, {})).toEqual({ away: 2 });
    expect(told).toEqual([`${phone.accountId} left`]);
    expect([...seen]).toEqual([phone, tablet].map((device) => [deviceKey(device), lost.lastSeenAtMs]));
  });

  test('those that stay away are to be woken, and then all is done', async () => {
    const { lost, lostGateways, woken, run, comeBack } = await stage([phone, laptop]);
    await comeBack(phone);
    expect(await run((of) => of.wakeOrphans, lost, {})).toEqual({ away: 1 });
    expect(woken).toEqual([`${deviceKey(laptop)} at-once`]);
    // An attempt that was lost is made again.
    expect(await run((of) => of.wakeOrphans, lost, {})).toEqual({ away: 1 });
    await run((of) => of.endRecovery, lost, { devices: 2, returned: 1, stayedAway: 1 });
    expect(await lostGateways.list()).toEqual([]);
  });

  test('who comes back is watched for ten seconds, or until all are back', async () => {
    const { lost, clock, run, comeBack } = await stage([phone, laptop]);
    await comeBack(phone);
    const watching = run((of) => of.watchReturns, lost);
    await passOn(clock, 15_000);
    expect(await watching).toEqual({ watchedMs: 10_000, away: 1, lineMs: 0 });
    await comeBack(laptop);
    expect(await run((of) => of.watchReturns, lost)).toEqual({ watchedMs: 0, away: 0, lineMs: 0 });
  });

  test('pages of a thousand follow each other', async () => {
    const devices = Array.from({ length: 1_500 }, newDevice);
    const { lost, run } = await stage(devices);
    const first = await run((of) => of.correctOrphans, lost, {});
    expect([first.away, first.after === undefined]).toEqual([1_000, false]);
    expect(await run((of) => of.correctOrphans, lost, { after: first.after })).toEqual({ away: 500 });
  });
});

test('a herd is over when all are back, or after a while when nobody waits in line, or after a long time', () => {
  const state = { watchedMs: 1_000, away: 5, lineMs: 0 };
  const isOver = (changes: Partial<typeof state> = {}) => isHerdOver({ ...state, ...changes }, { patienceMs: 60_000 });
  expect(isOver()).toBe(false);
  expect(isOver({ away: 0, lineMs: 9_000 })).toBe(true);
  expect(isOver({ watchedMs: 60_000 })).toBe(true);
  expect(isOver({ watchedMs: 60_000, lineMs: 1 })).toBe(false);
  expect(isOver({ watchedMs: 15 * 60_000, lineMs: 1 })).toBe(true);
});

test('the recovery of each lost gateway is started once, and when the workflow engine is back', async () => {
  const clock = new VirtualClock();
  const lost: LostGateway[] = [{ gatewayId: 'gateway-1', leaseEpoch: 7, lastSeenAtMs: 5 }];
  const started: Recovery[] = [];
  const found: string[] = [];
  let [isAway, failures] = [true, 0];
  const stop = new AbortController();
  const running = startRecoveries(
    {
      ...{ clock, patienceMs: 9 },
      lostGateways: { list: () => Promise.resolve([...lost]) },
      work: {
        startGatewayRecovery: (recovery) => {
          if (isAway) return Promise.reject(new DomainError('unavailable', 'away'));
          started.push(recovery);
          return Promise.resolve();
        },
      },
      events: { found: ({ gatewayId }) => void found.push(gatewayId), startFailed: () => void (failures += 1) },
    },
    stop.signal,
  );
  await passOn(clock, 10_000);
  expect([started, failures > 3]).toEqual([[], true]);
  isAway = false;
  await passOn(clock, 20_000);
  expect(started).toEqual([{ ...lost[0], patienceMs: 9 }]);
  lost.push({ gatewayId: 'gateway-2', leaseEpoch: 8, lastSeenAtMs: 6 });
  await passOn(clock, 10_000);
  expect(started.map(({ gatewayId }) => gatewayId)).toEqual(['gateway-1', 'gateway-2']);
  // One that is still not forgotten may have failed.
  await passOn(clock, 60_000);
  expect(started.filter(({ gatewayId }) => gatewayId === 'gateway-1').length).toBeGreaterThan(1);
  stop.abort();
  await passOn(clock, 10_000);
  await eventually(() => running);
  expect(found.filter((of) => of === 'gateway-2')).toHaveLength(1);
});
