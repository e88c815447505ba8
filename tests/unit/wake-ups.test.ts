import { describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';

import { GatheredWakeUps } from '../../adapters/memory/wake-ups.js';
import { DomainError } from '../../protocol/errors.js';
import { deviceKey } from '../../protocol/ids.js';
import { decodeWakeUpRecord } from '../../protocol/log-records.js';
import { createLogger } from '../../telemetry/logger.js';
import { createWakeUpEvents } from '../../telemetry/push-events.js';
import { newDevice } from '../support/drain-fixtures.js';
import { eventually } from '../support/eventually.js';
import { openLmdbLog } from '../support/lmdb.js';
import { VirtualClock } from '../support/simulation/virtual-clock.js';

const [one, other] = [newDevice(), newDevice()] as const;

/** What is written, a list for each append: device, until when to wait, and whether it is for keys. */
async function stage() {
  const under = await openLmdbLog();
  const clock = new VirtualClock();
  const written: (readonly (readonly [string, number, ...'for keys'[]])[])[] = [];
  const state = { isAway: false };
  const eventLog: typeof under.log = Object.create(under.log, {
    append: {
      value: async (...[topic, records]: Parameters<typeof under.log.append>) => {
        if (state.isAway) throw new DomainError('unavailable', 'away');
        const appended = await under.log.append(topic, records);
        written.push(
          records
            .map(({ value }) => decodeWakeUpRecord(value))
            .map((record) => [deviceKey(record), record.notBeforeMs, ...(record.forKeys === true ? (['for keys'] as const) : [])] as const),
        );
        return appended;
      },
    },
  }) as typeof under.log;
  const registry = new Registry();
  const wakeUps = new GatheredWakeUps({ eventLog, clock, events: createWakeUpEvents(createLogger('silent'), registry) });
  const pass = async (ms: number) => {
    const untilMs = clock.nowMs() + ms;
    clock.after(ms, () => undefined);
    while (clock.nowMs() < untilMs) {
      await clock.step(untilMs);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const dropped = async () => (await registry.getSingleMetric('heliograph_wake_ups_dropped_total')?.get())?.values[0]?.value;
  return { wakeUps, state, written, pass, dropped, dispose: under.dispose };
}

describe('wake-ups', () => {
  test('of a device that is asked for again and again make one record a second, at the earliest of its times', async () => {
    const { wakeUps, written, pass, dispose } = await stage();
    for (let times = 0; times < 100; times += 1) wakeUps.ask(one, 'unless-back');
    wakeUps.ask(other, 'unless-back');
    wakeUps.ask(one, 'at-once');
    wakeUps.ask(one, 'unless-back');
    await pass(1_000);
    await eventually(() => expect(written).toEqual([[[deviceKey(one), 0] as const, [deviceKey(other), 10_000] as const]]));
    wakeUps.ask(one, 'at-once');
    await pass(1_000);
    await eventually(() => expect(written[1]).toEqual([[deviceKey(one), 1_000]]));
    for (const cause of ['at-once', 'for-keys', 'unless-back'] as const) wakeUps.ask(one, cause);
    for (const cause of ['for-keys', 'at-once'] as const) wakeUps.ask(other, cause);
    await pass(1_000);
    await eventually(() =>
      expect(written[2]).toEqual([
        [deviceKey(one), 2_000, 'for keys'],
        [deviceKey(other), 2_000, 'for keys'],
      ]),
    );
    await dispose();
  });

  test('wait for a log that is away, and are written when the process stops', async () => {
    const { wakeUps, state, written, pass, dispose } = await stage();
    state.isAway = true;
    wakeUps.ask(one, 'at-once');
    await pass(3_000);
    wakeUps.ask(other, 'at-once');
    state.isAway = false;
    await wakeUps.close();
    expect(written).toEqual([
      [
        [deviceKey(one), 0],
        [deviceKey(other), 3_000],
      ],
    ]);
    await dispose();
  });

  test('above what is kept are dropped and counted, as is what a log that is away does not take at the end', async () => {
    const { wakeUps, state, written, dropped, dispose } = await stage();
    state.isAway = true;
    for (let devices = 0; devices < 50_002; devices += 1) wakeUps.ask({ ...one, accountId: `${devices}` as typeof one.accountId }, 'at-once');
    expect(await dropped()).toBe(2);
    await wakeUps.close();
    expect([await dropped(), written]).toEqual([50_002, []]);
    await dispose();
  });
});
