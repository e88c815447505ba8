import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { eventually } from '../support/eventually.js';
import { findDeliveryFaults } from '../support/find-delivery-faults.js';
import { PlainPair } from '../support/plain-pair.js';
import { startPostgres } from '../support/postgres.js';
import { TestServer } from '../support/server.js';
import { startDevServer } from '../support/temporal.js';

/** One seed alone: CRASH_SEED=17 npm run test:endurance -- crash. */
const onlySeed = process.env['CRASH_SEED'];
const firstSeedWithEngines = 1_001;
const seeds = onlySeed === undefined ? [...seedsFrom(1, 50), ...seedsFrom(firstSeedWithEngines, 5)] : [Number(onlySeed)];
const settleMs = 30_000;

function seedsFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

/** mulberry32: every choice of a seed is the same each time. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

interface Plan {
  readonly killAfterMs: number;
  /** Whether a pair's first and second device are there before the crash; the others come after it. */
  readonly present: readonly (readonly [boolean, boolean])[];
  /** Who sends, and how long it pauses after that, for each pair. */
  readonly sends: readonly (readonly { readonly from: 0 | 1; readonly pauseMs: number }[])[];
  /** Killed once more, so long after the devices are back: while inboxes are drained and sends repeated. */
  readonly killAgainAfterMs: number | undefined;
}

function planOf(seed: number): Plan {
  const random = createRandom(seed);
  const pairs = Array.from({ length: 1 + random(3) });
  return {
    killAfterMs: 5 + random(250),
    present: pairs.map(() => [random(4) > 0, random(4) > 0]),
    sends: pairs.map(() =>
      Array.from({ length: 10 + random(40) }, () => ({ from: random(2) === 0 ? 0 : 1, pauseMs: random(3) === 0 ? random(12) : 0 })),
    ),
    killAgainAfterMs: random(6) === 0 ? random(60) : undefined,
  };
}

/** Load, SIGKILL in the midst of it, return, and everything that a promise was broken for. */
async function runSeed(server: TestServer, seed: number): Promise<void> {
  const { killAfterMs, present, sends, killAgainAfterMs } = planOf(seed);
  const pairs = await PlainPair.register(server.publicUrl, sends.length);
  const reconnect = () => Promise.all(pairs.map((pair) => pair.connect(server.socketUrl)));
  await Promise.all(pairs.map((pair, index) => pair.connect(server.socketUrl, present[index])));
  const sending = Promise.all(
    pairs.map(async (pair, index) => {
      for (const { from, pauseMs } of sends[index] ?? []) {
        pair.send(from);
        if (pauseMs > 0) await sleep(pauseMs);
      }
    }),
  );
  await sleep(killAfterMs);
  await server.kill();
  await sending;
  await server.restart();
  if (killAgainAfterMs !== undefined) {
    await reconnect();
    await sleep(killAgainAfterMs);
    await server.kill();
    await server.restart();
  }
  // What is still on its way looks like a loss: only what stays is one.
  await eventually(async () => {
    await reconnect();
    expect({ seed, faults: (await Promise.all(pairs.map((pair) => faultsOf(pair, server)))).flat() }).toEqual({ seed, faults: [] });
  }, settleMs);
  await Promise.all(pairs.map((pair) => pair.close()));
}

async function faultsOf(pair: PlainPair, server: TestServer): Promise<readonly string[]> {
  const unsettled = pair.devices.flatMap(({ unaccepted, caughtUp, troubles }) => [
    ...(unaccepted === 0 ? [] : [`${unaccepted} sends are not accepted`]),
    ...(caughtUp ? [] : ['an inbox is not drained']),
    ...troubles,
  ]);
  return [...pair.earlyReceipts, ...unsettled, ...findDeliveryFaults(await pair.record(server))];
}

/** What must never count up in a server. */
async function expectNoFaults(server: TestServer): Promise<void> {
  for (const name of ['gateway_internal_errors', 'rest_internal_errors', 'drain_messages_gone', 'drain_sessions_given_up']) {
    expect([name, await server.metric(`heliograph_${name}_total`)]).toEqual([name, 0]);
  }
}

interface Stage {
  readonly server: TestServer;
  stop(): Promise<void>;
}

/** The engines outlive the server, so it comes back within a second. */
async function startServerAlone(): Promise<Stage> {
  const [postgres, temporal] = await Promise.all([startPostgres(), startDevServer()]);
  const environment = { HELIOGRAPH_POSTGRES_URL: postgres.url, HELIOGRAPH_TEMPORAL_ADDRESS: temporal.address };
  const server = await TestServer.start({ environment });
  return {
    server,
    stop: async () => {
      await server.stop();
      await temporal.teardown();
      await postgres.stop();
    },
  };
}

/** The engines end with the server. */
async function startEverything(): Promise<Stage> {
  const server = await TestServer.start();
  return { server, stop: () => server.stop() };
}

describe.each(
  [
    { what: 'the server', start: startServerAlone, of: seeds.filter((seed) => seed < firstSeedWithEngines) },
    { what: 'the server and its engines', start: startEverything, of: seeds.filter((seed) => seed >= firstSeedWithEngines) },
  ].filter(({ of }) => of.length > 0),
)('SIGKILL of $what under load', ({ start, of }) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await start();
  }, 60_000);
  afterEach(() => expectNoFaults(stage.server));
  afterAll(() => stage.stop(), 60_000);

  test.each(of)('seed %i: everything accepted arrives once and in order, and no receipt is early', (seed) => runSeed(stage.server, seed), 90_000);
});
