import { expect, test } from '@jest/globals';

import { createSystemClock } from '../../adapters/system/system-clock.js';
import type { DrainWave } from '../../core/drain-plan.js';
import { WaveScheduler } from '../../gateway/drain/wave-scheduler.js';
import { deviceKey } from '../../protocol/ids.js';
import { newRequests } from '../support/drain-fixtures.js';

/** Starts take until they are let go, one after the other. */
function stage() {
  const waves: DrainWave[] = [];
  const goOn: (() => void)[] = [];
  const scheduler = new WaveScheduler({
    gatewayId: 'gateway-1',
    work: {
      startDrainWave: (wave) => {
        waves.push(wave);
        return new Promise<void>((resolve) => goOn.push(resolve));
      },
    },
    clock: createSystemClock(),
    events: { waveStarted: () => undefined, waveStartFailed: () => undefined } as never,
    signal: new AbortController().signal,
  });
  const next = async () => {
    goOn.shift()?.();
    await new Promise(setImmediate);
  };
  return { scheduler, waves, next };
}

test('a herd and single devices take turns, the herd in full waves', async () => {
  const { scheduler, waves, next } = stage();
  const [first, second, ...singles] = newRequests(12);
  for (const request of [first, second]) if (request !== undefined) scheduler.request(request, 1, false);
  for (const request of newRequests(450)) scheduler.request(request, 1, true);
  for (const request of singles) scheduler.request(request, 1, false);
  for (let started = 0; started < 4; started += 1) await next();
  expect(waves.map(({ isHerd = false, requests }) => [isHerd, requests.length])).toEqual([
    [false, 1],
    [false, 1],
    [true, 200],
    [false, 10],
    [true, 200],
    [true, 50],
  ]);
});

test('a newer wish of a device takes the place of the one that waits, whichever it came with', async () => {
  const { scheduler, waves, next } = stage();
  for (const request of newRequests(2)) scheduler.request(request, 1, false);
  const [request] = newRequests(1);
  if (request === undefined) throw new Error('one request was made');
  scheduler.request(request, 1, true);
  scheduler.request({ ...request, token: 9 }, 1, false);
  await next();
  await next();
  expect(waves.slice(2).flatMap(({ requests }) => requests.map(({ device, token }) => [deviceKey(device), token]))).toEqual([
    [deviceKey(request.device), 9],
  ]);
});
