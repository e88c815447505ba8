import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

import { registerPairs } from '../../bench/load/register-accounts.js';
import type { LoadDevice, LoadPair } from '../../bench/load/wire.js';
import type { AccountId, ConversationId, DeviceId } from '../../protocol/ids.js';
import { historyPage } from '../../protocol/rest/conversation.js';
import { eventually } from '../support/eventually.js';
import { findDeliveryFaults, type DeviceRecord } from '../support/find-delivery-faults.js';
import { PlainDevice, type Credentials } from '../support/plain-device.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { TestServer } from '../support/server.js';
import { startDevServer } from '../support/temporal.js';

/** One seed alone: HELIOGRAPH_TEST_SEED=17 npx jest tests/faults. */
const onlySeed = process.env['HELIOGRAPH_TEST_SEED'];
const seeds = onlySeed === undefined ? Array.from({ length: 50 }, (_, index) => index + 1) : [Number(onlySeed)];
const settleMs = 30_000;

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

interface Party {
  readonly pair: LoadPair;
  readonly devices: readonly [PlainDevice, PlainDevice];
}

const credentials = ({ accountId, deviceId, registrationId, token }: LoadDevice): Credentials => ({
  device: { accountId: accountId as AccountId, deviceId: deviceId as DeviceId },
  registrationId,
  token,
});

function outgoing({ pair, devices }: Party, from: 0 | 1) {
  return { conversationId: pair.conversationId as ConversationId, rosterDigest: pair.rosterDigest, to: [devices[from === 0 ? 1 : 0].credentials] };
}

async function reconnect(server: TestServer, parties: readonly Party[]): Promise<void> {
  await Promise.all(
    parties.flatMap(({ devices }) => devices.filter(({ connected }) => !connected).map((device) => device.connect(server.socketUrl))),
  );
}

async function historyOf(server: TestServer, { pair }: Party) {
  const items: { messageId: string; position: number }[] = [];
  for (;;) {
    const after = items.at(-1)?.position;
    const url = `${server.publicUrl}/v1/conversations/${pair.conversationId}/messages?limit=100&after=${after ?? 0}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${pair.sender.token}` } });
    const page = historyPage.parse(await response.json());
    if (page.items.length === 0) return items;
    items.push(...page.items);
  }
}

function recordOf({ pair, devices }: Party, index: 0 | 1): DeviceRecord {
  const device = devices[index];
  const positions = new Map([...device.accepted].map(([messageId, { position }]) => [messageId as string, position]));
  const receipted = device.receipted.get(pair.conversationId as ConversationId) ?? 0;
  return { name: index === 0 ? 'sender' : 'receiver', accepted: positions, received: device.received, receipted };
}

/** Of a server that was just killed: nothing can arrive any more. */
function earlyReceipts({ pair, devices }: Party): string[] {
  const ahead = (of: PlainDevice, other: PlainDevice) =>
    (of.receipted.get(pair.conversationId as ConversationId) ?? 0) > Math.max(0, ...other.received.map(({ position }) => position));
  return [
    ...(ahead(devices[0], devices[1]) ? ['early receipt at the sender'] : []),
    ...(ahead(devices[1], devices[0]) ? ['early receipt at the receiver'] : []),
  ];
}

/** Load, SIGKILL at a random moment (now and then again while it comes back), return, and the checker. */
async function runSeed(server: TestServer, seed: number): Promise<void> {
  const random = createRandom(seed);
  const parties: Party[] = (await registerPairs(server.publicUrl, 2)).map((pair) => ({
    pair,
    devices: [new PlainDevice(credentials(pair.sender)), new PlainDevice(credentials(pair.receiver))],
  }));
  // Some devices are away until after the crash.
  const present = parties.flatMap(({ devices }) => devices).filter(() => random(4) > 0);
  await Promise.all(present.map((device) => device.connect(server.socketUrl)));
  const killAfterMs = 5 + random(250);
  const sending = parties.map(async (party) => {
    const count = 10 + random(40);
    for (let sent = 0; sent < count; sent += 1) {
      const from = random(2) === 0 ? 0 : 1;
      party.devices[from].send(outgoing(party, from));
      if (random(3) === 0) await sleep(random(12));
    }
  });
  await sleep(killAfterMs);
  await server.kill();
  const early = parties.flatMap(earlyReceipts);
  await Promise.all(sending);
  await server.restart();
  if (random(4) === 0) {
    await reconnect(server, parties);
    await sleep(random(60));
    await server.kill();
    await server.restart();
  }
  await reconnect(server, parties);
  const faults = await eventually(async () => {
    await reconnect(server, parties);
    const unaccepted = parties.flatMap(({ devices }) => devices).reduce((sum, device) => sum + device.unaccepted, 0);
    expect(unaccepted).toBe(0);
    const found = await Promise.all(
      parties.map(async (party) =>
        findDeliveryFaults({ devices: [recordOf(party, 0), recordOf(party, 1)], history: await historyOf(server, party) }),
      ),
    );
    // What is still on its way looks like a loss: only what stays is one.
    expect(found.flat()).toEqual([]);
    return found.flat();
  }, settleMs);
  await Promise.all(parties.flatMap(({ devices }) => devices.map((device) => device.close())));
  expect({ seed, faults: [...early, ...faults] }).toEqual({ seed, faults: [] });
}

describe('SIGKILL of the server under load', () => {
  let postgres: TestPostgres;
  let temporal: TestWorkflowEnvironment;
  let server: TestServer;

  beforeAll(async () => {
    [postgres, temporal] = await Promise.all([startPostgres(), startDevServer()]);
    server = await TestServer.start({ environment: { HELIOGRAPH_POSTGRES_URL: postgres.url, HELIOGRAPH_TEMPORAL_ADDRESS: temporal.address } });
  }, 60_000);
  afterAll(async () => {
    await server.stop();
    await temporal.teardown();
    await postgres.stop();
  }, 60_000);

  test.each(seeds)('seed %i: everything accepted arrives once and in order, and no receipt is early', (seed) => runSeed(server, seed), 60_000);
});

describe('SIGKILL of the server together with its engines', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start();
  }, 60_000);
  afterAll(() => server.stop());

  test.each([1001, 1002, 1003, 1004, 1005])('seed %i: the same', (seed) => runSeed(server, seed), 90_000);
});
