import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { HerdDevice } from '../../bench/load/herd-device.js';
import { rateLimits } from '../../protocol/limits.js';
import { eventually } from '../support/eventually.js';
import { findDeliveryFaults } from '../support/find-delivery-faults.js';
import { PlainPair } from '../support/plain-pair.js';
import { RegisteredDevices } from '../support/registered-devices.js';
import { TestServer } from '../support/server.js';

const herdSize = 10_000;
/** Well below the 5 s after which a session takes an ack for missing. */
const maxOwnDelayMs = 1_000;
/** Of a device: hellos that are turned away, on average and at most. One is the turn that it gets; a gateway that is busy then gives it another one. */
const turnedAwayAtMost = { onAverage: 2, once: 8 };
/** A gateway at its ease needs a fifth of it. */
const allInWithinMs = 60_000;
const { burst, perSecond } = rateLimits.admission;

let server: TestServer;
let registered: RegisteredDevices;
let herd: readonly HerdDevice[] = [];

beforeAll(async () => {
  server = await TestServer.start({
    environment: {
      HELIOGRAPH_LIMIT_ADMISSION_BURST: `${burst}`,
      HELIOGRAPH_LIMIT_ADMISSION_PER_SECOND: `${perSecond}`,
    },
  });
  registered = new RegisteredDevices(server);
}, 120_000);
afterAll(async () => {
  for (const client of herd) client.leave();
  await registered.close();
  await server.stop();
}, 60_000);

describe(`${herdSize} devices that connect at once`, () => {
  test('are let in at the rate that the gateway takes, each at the slot that it was given; who was there before notices nothing', async () => {
    const devices = await registered.many(herdSize);
    const [pair] = await PlainPair.register(server.publicUrl, 1);
    if (pair === undefined) throw new Error('no pair was registered');
    await pair.connect(server.socketUrl);
    const ownDelay = monitorEventLoopDelay({ resolution: 10 });
    ownDelay.enable();
    let herdIsIn = false;
    const talking = (async () => {
      while (!herdIsIn) {
        pair.send(0);
        pair.send(1);
        await sleep(20);
      }
    })();

    herd = devices.map((device, index) => new HerdDevice(device, index));
    const records = await Promise.all(herd.map((client) => client.getIn(server.socketUrl))).finally(() => {
      herdIsIn = true;
    });
    await talking;
    expect(herd.filter(({ isOpen }) => isOpen).length).toBe(herdSize);
    expect(await sessions()).toBe(herdSize + 2);
    ownDelay.disable();
    await eventually(async () => {
      expect(pair.devices.map(({ unaccepted }) => unaccepted)).toEqual([0, 0]);
      expect(findDeliveryFaults(await pair.record(server))).toEqual([]);
    });

    // The herd lives in this process too: acks that it held up for seconds itself are late, and what they are for comes again.
    // So are its hellos.
    if (ownDelay.max / 1e6 < maxOwnDelayMs) {
      expect(pair.devices.map(({ duplicates }) => duplicates)).toEqual([0, 0]);
      expect(records.filter(({ latecomings }) => latecomings > 0)).toEqual([]);
    }

    const turnedAway = records.filter(({ waitsMs }) => waitsMs.length > 0);
    expect(turnedAway.length).toBeGreaterThan(herdSize / 2);
    // Nobody comes again and again, which would keep the gateway too busy to let them in.
    const timesTurnedAway = records.map(({ waitsMs }) => waitsMs.length);
    expect(timesTurnedAway.reduce((sum, times) => sum + times, 0) / herdSize).toBeLessThan(turnedAwayAtMost.onAverage);
    expect(Math.max(...timesTurnedAway)).toBeLessThanOrEqual(turnedAwayAtMost.once);
    const inFirst = Math.min(...records.map(({ welcomedAtMs }) => welcomedAtMs));
    const inLast = Math.max(...records.map(({ welcomedAtMs }) => welcomedAtMs));
    expect(inLast - inFirst).toBeGreaterThan(((herdSize - burst) / perSecond) * 1_000 * 0.8);
    expect(inLast - inFirst).toBeLessThan(allInWithinMs);
  }, 90_000);
});

function sessions(): Promise<number> {
  return server.metric('heliograph_gateway_sessions');
}
