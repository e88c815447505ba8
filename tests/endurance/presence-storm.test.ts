import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import type { LoadDevice } from '../../bench/load/wire.js';
import { eventually } from '../support/eventually.js';
import { RawMember } from '../support/raw-group.js';
import { RegisteredDevices } from '../support/registered-devices.js';
import { sharedServer, type RunningServer } from '../support/server.js';

const watchersCount = 10_000;
const flaps = 4;
/** Of a gateway: 200 frames take their turn every 100 ms. */
const turn = { frames: 200, ms: 100 };
/** Until each of them has had its turn. */
const toldWithinMs = 30_000;

let server: RunningServer;
let registered: RegisteredDevices;

beforeAll(async () => {
  server = await sharedServer();
  registered = new RegisteredDevices(server);
}, 120_000);
afterAll(() => registered.close());

test('10,000 devices that watch one account which comes and goes cost a gateway one message a change, and get no more than 2,000 frames a second from it', async () => {
  const { publicUrl, gatewaySocketUrls: gateways } = server;
  const [star, ...devices] = (await registered.many(watchersCount + 1)).map(
    (device: LoadDevice, index) => new RawMember({ publicUrl, socketUrl: gateways[index % gateways.length] ?? '' }, device),
  );
  if (star === undefined) throw new Error('one is watched');
  for (let at = 0; at < devices.length; at += 100) await Promise.all(devices.slice(at, at + 100).map((device) => device.connect()));
  const accounts = [star.accountId];
  await Promise.all(devices.map((device) => device.request({ type: 'watch', id: 1, accounts })));
  const frames = () => devices.reduce((sum, { frames: of }) => sum + of.filter(({ type }) => type === 'presence').length, 0);
  const changes = await server.metric('heliograph_gateway_presence_changes_total');
  const before = frames();
  const startedMs = performance.now();
  // From the first on, which no delay on the way can make more: those of a single second may come together.
  const counts: { readonly came: number; readonly most: number }[] = [];
  const counting = setInterval(() => {
    const turns = 1 + (performance.now() - startedMs) / turn.ms;
    counts.push({ came: frames() - before, most: turns * turn.frames * gateways.length });
  }, 500);
  for (let count = 0; count < flaps; count += 1) {
    await star.connect();
    await sleep(1_500);
    await star.disconnect();
    await sleep(count % 2 === 0 ? 500 : 7_000);
  }
  await star.connect();
  const state = (device: RawMember) => device.frames.findLast((frame) => frame.type === 'presence')?.online;
  await eventually(() => expect(devices.filter((device) => state(device) !== true)).toHaveLength(0), toldWithinMs);
  clearInterval(counting);
  expect(counts.filter(({ came, most }) => came > most)).toEqual([]);
  expect(counts.length).toBeGreaterThan(flaps);
  // Each time it came and left, and not once for each who watches.
  expect((await server.metric('heliograph_gateway_presence_changes_total')) - changes).toBeLessThanOrEqual((2 * flaps + 1) * gateways.length);
  // Absent, there, away, there, away, there: a pause of half a second is not told.
  expect(frames()).toBeLessThanOrEqual(6 * watchersCount);
  await Promise.all([star, ...devices].map((device) => device.disconnect()));
}, 240_000);
