import { setMaxListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';

import { describe, expect, test } from '@jest/globals';

import { drainDevice } from '../../activities/drain-device.js';
import { StoreGate } from '../../activities/store-gate.js';
import { createMemoryDrainPause } from '../../adapters/memory/drain-pause.js';
import { DrainStage } from '../support/drain-stage.js';
import { VirtualClock } from '../support/simulation/virtual-clock.js';

const bounds = { least: 2, most: 8, slowMs: 100 };

/** A store that takes its time, behind a gate. */
class Stage {
  readonly clock = new VirtualClock();
  readonly limits: number[] = [];
  heldBack = 0;
  underWay = 0;
  most = 0;
  readonly done: number[] = [];
  readonly pause = createMemoryDrainPause(this.clock);
  readonly gate = new StoreGate(
    {
      pause: this.pause,
      clock: this.clock,
      events: { readsAtOnce: (limit) => void this.limits.push(limit), heldBack: () => void (this.heldBack += 1) },
    },
    bounds,
  );

  read(number: number, takesMs: number, withinMs = 60_000): Promise<boolean | undefined> {
    return this.gate.through(async () => {
      this.underWay += 1;
      this.most = Math.max(this.most, this.underWay);
      await this.clock.sleep(takesMs);
      this.underWay -= 1;
      this.done.push(number);
      return true;
    }, withinMs);
  }

  async run<Result>(work: Promise<Result>): Promise<Result> {
    let isOver = false;
    void work.finally(() => (isOver = true)).catch(() => undefined);
    await setImmediate();
    while (!isOver) if (!(await this.clock.step(Infinity))) await setImmediate();
    return work;
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

describe('the gate to the stores', () => {
  test('lets as many in as may be, the others in their order', async () => {
    const stage = new Stage();
    await stage.run(Promise.all(numbers(40).map((number) => stage.read(number, 10))));
    expect([stage.most, stage.done]).toEqual([8, numbers(40)]);
  });

  test('lets fewer in while the store is slow, and more again when it is not', async () => {
    const stage = new Stage();
    await stage.run(Promise.all(numbers(40).map((number) => stage.read(number, 300))));
    expect(stage.limits.slice(0, 3)).toEqual([8, 4, 2]);
    stage.most = 0;
    await stage.run(Promise.all(numbers(6).map((number) => stage.read(number, 300))));
    expect(stage.most).toBe(2);
    await stage.run(Promise.all(numbers(200).map((number) => stage.read(number, 5))));
    expect(stage.limits.at(-1)).toBe(8);
  });

  test('sends away who waited too long, and takes nothing for it', async () => {
    const stage = new Stage();
    const answers = await stage.run(Promise.all(numbers(12).map((number) => stage.read(number, 5_000, 1_000))));
    expect(answers).toEqual(numbers(12).map((number) => (number < 8 ? true : undefined)));
    expect([stage.heldBack, stage.done]).toEqual([4, numbers(8)]);
    expect(await stage.run(stage.read(12, 5))).toBe(true);
  });

  test('lets nobody in while drains are paused, and everybody when the pause is over', async () => {
    const stage = new Stage();
    await stage.pause.set(20_000);
    expect(await stage.run(stage.read(1, 5, 5_000))).toBeUndefined();
    expect([stage.heldBack, stage.clock.nowMs()]).toEqual([1, 5_000]);
    expect(await stage.run(stage.read(2, 5, 60_000))).toBe(true);
    expect(stage.clock.nowMs()).toBe(20_005);
    await stage.pause.set(60_000);
    await stage.clock.step(stage.clock.nowMs() + 1_000);
    const waiting = stage.read(3, 5, 60_000);
    await stage.pause.set(0);
    expect(await stage.run(waiting)).toBe(true);
    expect(stage.clock.nowMs()).toBeLessThan(25_000);
  });

  test('frees the place of work that fails', async () => {
    const stage = new Stage();
    const fault = new Error('the store is away');
    const failing = numbers(20).map(() => stage.gate.through(() => Promise.reject(fault), 1_000));
    expect((await stage.run(Promise.allSettled(failing))).map(({ status }) => status)).toEqual(numbers(20).map(() => 'rejected'));
    expect(await stage.run(stage.read(1, 5))).toBe(true);
  });
});

test('devices of a herd whose stores are slow all get everything, a few at a time', async () => {
  const stage = new DrainStage();
  stage.stores.readTakesMs = 400;
  const devices = numbers(200).map(() => {
    const device = stage.connect();
    return { device, rows: numbers(3).map(() => stage.stores.queue(device.address, {})), target: stage.target(device) };
  });
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  const outcomes = new Set<string>();
  const drained = devices.map(async ({ target }) => {
    for (;;) {
      const { outcome } = await drainDevice(stage.dependencies, target, signal, () => undefined);
      outcomes.add(outcome);
      if (outcome === 'live') return;
      await stage.clock.sleep(1_000);
    }
  });
  await stage.run(Promise.all(drained));
  for (const { device, rows } of devices) expect(device.items.map(({ messageId }) => messageId)).toEqual(rows.map(({ messageId }) => messageId));
  expect(stage.stores.mostReads).toBeLessThanOrEqual(32);
  expect(outcomes).toEqual(new Set(['live', 'unfinished', 'waiting']));
});
