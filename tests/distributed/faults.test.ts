import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { ConversationLoad } from '../support/conversation-load.js';
import { goesOnMs, settleMs, surviveEach, talking, type Fault } from '../support/fault-run.js';
import { eventually } from '../support/eventually.js';
import { TestServer } from '../support/server.js';

/** How long a process is gone. */
const goneMs = 5_000;
const frozenMs = 20_000;
const otherGatewayMs = 15_000;

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
}, 120_000);
afterAll(() => server.stop(), 60_000);

const killed = (name: string, acceptedWithinMs: number): Fault => ({
  what: `SIGKILL of ${name}`,
  breaks: () => server.cluster.member(name).kill(),
  lastsMs: goneMs,
  mends: () => server.cluster.member(name).start(),
  acceptedWithinMs,
});
const frozen = (name: string, acceptedWithinMs: number): Fault => ({
  what: `SIGSTOP of ${name}`,
  breaks: () => server.cluster.member(name).signal('SIGSTOP'),
  lastsMs: frozenMs,
  mends: () => server.cluster.member(name).signal('SIGCONT'),
  acceptedWithinMs,
});

/** Devices of a gateway that is gone have to find the other one. */
const faults: readonly Fault[] = [
  killed('gateway-1', otherGatewayMs),
  killed('pipeline-1', goesOnMs),
  killed('temporal-worker-1', goesOnMs),
  frozen('gateway-1', otherGatewayMs),
  frozen('pipeline-1', goesOnMs),
  frozen('temporal-worker-1', goesOnMs),
];

test('a gateway that is stopped sends its devices to the other one without keeping anybody waiting', async () => {
  const load = await ConversationLoad.start(server, talking);
  await sleep(1_000);
  load.takeLongestWaitMs();
  await server.cluster.member('gateway-1').stop();
  await eventually(async () => {
    expect(await server.cluster.sessions()).toEqual([12]);
  });
  await server.cluster.member('gateway-1').start();
  await load.settle(settleMs);
  const longestMs = load.takeLongestWaitMs();
  await load.close();
  expect(longestMs).toBeLessThan(goesOnMs);
}, 180_000);

surviveEach(() => server, faults);
