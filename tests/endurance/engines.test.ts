import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { EngineKiller } from '../support/engine-killer.js';
import { eventually } from '../support/eventually.js';
import { findDeliveryFaults } from '../support/find-delivery-faults.js';
import { PlainPair } from '../support/plain-pair.js';
import { TestServer } from '../support/server.js';

let server: TestServer;
const pairs: PlainPair[] = [];
const killers: EngineKiller[] = [];

beforeAll(async () => {
  server = await TestServer.start();
}, 120_000);
afterEach(async () => {
  await Promise.all(killers.splice(0).map((killer) => killer.stop()));
  await Promise.all(pairs.splice(0).map((pair) => pair.close()));
});
afterAll(() => server.stop());

function keepKilling(engine: 'postgres' | 'temporal'): EngineKiller {
  const killer = new EngineKiller(server.embedded, engine);
  killers.push(killer);
  return killer;
}

/** A pair of which one talks to the other, so that its roster is known. */
async function register(which?: readonly [boolean, boolean]): Promise<PlainPair> {
  const [pair] = await PlainPair.register(server.publicUrl, 1);
  if (pair === undefined) throw new Error('no pair was registered');
  pairs.push(pair);
  await pair.connect(server.socketUrl, which);
  pair.send(0);
  await accepted(pair);
  return pair;
}

async function accepted(pair: PlainPair): Promise<void> {
  await eventually(() => {
    expect(pair.devices.map(({ unaccepted }) => unaccepted)).toEqual([0, 0]);
  });
}

function localDrains(): Promise<number> {
  return server.metric('heliograph_gateway_local_drains_total');
}

async function dependencies(): Promise<unknown> {
  return (await server.readiness()).dependencies;
}

async function expectComplete(pair: PlainPair): Promise<void> {
  await eventually(async () => {
    expect(pair.devices.map(({ unaccepted, caughtUp, troubles }) => ({ unaccepted, caughtUp, troubles }))).toEqual([
      { unaccepted: 0, caughtUp: true, troubles: [] },
      { unaccepted: 0, caughtUp: true, troubles: [] },
    ]);
    expect([...pair.earlyReceipts, ...findDeliveryFaults(await pair.record(server))]).toEqual([]);
  }, 30_000);
}

/** Talks until `enough` resolves: answers the longest time that a send waited for its `accepted`. */
async function talk(pair: PlainPair, enough: Promise<unknown>): Promise<number> {
  let over = false;
  void enough.finally(() => {
    over = true;
  });
  let longestMs = 0;
  while (!over) {
    const sentAtMs = performance.now();
    pair.send(0);
    pair.send(1);
    await accepted(pair);
    longestMs = Math.max(longestMs, performance.now() - sentAtMs);
  }
  return longestMs;
}

describe('SIGKILL of PostgreSQL, as often as it comes back', () => {
  test('stops nobody who talks; who connects is told to come back, and gets in when it is there again', async () => {
    const [talking, waiting] = [await register(), await register()];
    await waiting.close();
    const killer = keepKilling('postgres');
    const enough = eventually(() => {
      expect(killer.kills).toBeGreaterThanOrEqual(4);
    });
    expect(await talk(talking, enough)).toBeLessThan(2_000);
    const refused = await waiting.connect(server.socketUrl).catch((error: unknown) => String(error));
    expect(refused).toContain('unavailable');
    await killer.stop();
    await eventually(async () => {
      await waiting.connect(server.socketUrl);
    }, 30_000);
    waiting.send(0);
    await Promise.all([expectComplete(talking), expectComplete(waiting)]);
    await eventually(async () => {
      expect(await dependencies()).toEqual({ postgres: 'ok', temporal: 'ok' });
    });
  }, 90_000);
});

test('PostgreSQL that was killed when it had made its lock and not written it starts all the same', async () => {
  await server.kill();
  const lock = join(server.embedded.dataDirectory, 'postgres', 'cluster', 'postmaster.pid');
  await eventually(() => expect(existsSync(lock)).toBe(false));
  writeFileSync(lock, '', { mode: 0o600 });
  await server.restart();
  expect(await dependencies()).toMatchObject({ postgres: 'ok' });
}, 90_000);

describe('SIGKILL of Temporal, as often as it comes back', () => {
  test('stops nobody who talks; inboxes are drained by the gateway meanwhile, and by workflows when it is there again', async () => {
    const [talking, away] = [await register(), await register([true, false])];
    const killer = keepKilling('temporal');
    for (let count = 0; count < 200; count += 1) away.send(0);
    const drained = (async () => {
      await accepted(away);
      await away.connect(server.socketUrl);
      await eventually(() => {
        expect(away.devices[1].caughtUp).toBe(true);
      }, 30_000);
    })();
    expect(await talk(talking, drained)).toBeLessThan(2_000);
    await drained;
    const before = await localDrains();
    expect(before).toBeGreaterThan(0);
    await Promise.all([expectComplete(talking), expectComplete(away)]);

    await killer.stop();
    await eventually(async () => {
      expect(await dependencies()).toEqual({ postgres: 'ok', temporal: 'ok' });
    }, 30_000);
    await away.devices[1].close();
    for (let count = 0; count < 200; count += 1) away.send(0);
    await accepted(away);
    await away.connect(server.socketUrl);
    await expectComplete(away);
    expect(await localDrains()).toBe(before);
  }, 120_000);
});
