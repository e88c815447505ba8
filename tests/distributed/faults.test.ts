import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { Stack } from '../../app/stack/stack.js';
import { ConversationLoad } from '../support/conversation-load.js';
import { goesOnMs, settleMs, surviveEach, talking, type Fault } from '../support/fault-run.js';
import { eventually } from '../support/eventually.js';
import { openRedis } from '../support/redis.js';
import { TestServer } from '../support/server.js';

/** How long an engine or a process is gone. */
const goneMs = 5_000;
const frozenMs = 20_000;
const otherGatewayMs = 15_000;
const kafkaReturnsMs = 60_000;

const engines = new Stack('.stack');
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
}, 120_000);
afterAll(() => server.stop(), 60_000);

const killed = (name: string, acceptedWithinMs: number): Fault => ({
  what: `SIGKILL of ${name}`,
  breaks: (cluster) => cluster.member(name).kill(),
  lastsMs: goneMs,
  mends: (cluster) => cluster.member(name).start(),
  acceptedWithinMs,
});
const frozen = (name: string, acceptedWithinMs: number): Fault => ({
  what: `SIGSTOP of ${name}`,
  breaks: (cluster) => cluster.member(name).signal('SIGSTOP'),
  lastsMs: frozenMs,
  mends: (cluster) => cluster.member(name).signal('SIGCONT'),
  acceptedWithinMs,
});
const engineKilled = (name: string, acceptedWithinMs: number): Fault => ({
  what: `SIGKILL of ${name}`,
  breaks: () => engines.kill(name),
  lastsMs: goneMs,
  mends: () => engines.restart(name),
  acceptedWithinMs,
});
const engineFrozen = (name: string, acceptedWithinMs: number): Fault => ({
  what: `SIGSTOP of ${name}`,
  breaks: () => engines.signal(name, 'SIGSTOP'),
  lastsMs: frozenMs,
  mends: () => engines.signal(name, 'SIGCONT'),
  acceptedWithinMs,
});

/** Devices of a gateway that is gone have to find the other one; while Kafka is away nothing is accepted. */
const faults: readonly Fault[] = [
  killed('gateway-1', otherGatewayMs),
  killed('pipeline-1', goesOnMs),
  killed('temporal-worker-1', goesOnMs),
  engineKilled('redis', goesOnMs),
  engineKilled('cassandra', goesOnMs),
  engineKilled('postgres', goesOnMs),
  engineKilled('temporal', goesOnMs),
  engineKilled('s3', goesOnMs),
  engineKilled('kafka', goneMs + kafkaReturnsMs),
  {
    what: 'FLUSHALL of redis',
    breaks: async () => {
      const connection = await openRedis();
      await connection.redis.flushall();
      connection.close();
    },
    lastsMs: 1_000,
    mends: () => undefined,
    acceptedWithinMs: goesOnMs,
  },
  frozen('gateway-1', otherGatewayMs),
  frozen('pipeline-1', goesOnMs),
  frozen('temporal-worker-1', goesOnMs),
  engineFrozen('redis', goesOnMs),
  engineFrozen('cassandra', goesOnMs),
  engineFrozen('postgres', goesOnMs),
  engineFrozen('temporal', goesOnMs),
  engineFrozen('s3', goesOnMs),
  engineFrozen('kafka', frozenMs + kafkaReturnsMs),
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
