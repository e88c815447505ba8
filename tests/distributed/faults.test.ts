import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { Stack } from '../../app/stack/stack.js';
import type { HeliographCluster } from '../../bench/process/heliograph-cluster.js';
import { ConversationLoad } from '../support/conversation-load.js';
import { eventually } from '../support/eventually.js';
import { openRedis } from '../support/redis.js';
import { TestServer } from '../support/server.js';

/** How long an engine or a process is gone. */
const goneMs = 5_000;
const frozenMs = 20_000;
const settleMs = 90_000;
/** Of one device: 60 messages a second in all, which also a slow machine bears. */
const talking = { pairs: 6, everyMs: 200 };
/** Far above what is usual (docs/operations.md): a test on a busy machine is no measurement. */
const goesOnMs = 8_000;
const otherGatewayMs = 15_000;
const kafkaReturnsMs = 60_000;

const engines = new Stack('.stack');
let server: TestServer;
let load: ConversationLoad;

beforeAll(async () => {
  server = await TestServer.start();
}, 120_000);
afterEach(() => load.close());
afterAll(() => server.stop(), 60_000);

interface Fault {
  readonly what: string;
  readonly breaks: (cluster: HeliographCluster) => unknown;
  readonly lastsMs: number;
  readonly mends: (cluster: HeliographCluster) => unknown;
  /** No message waits longer for its `accepted`. */
  readonly acceptedWithinMs: number;
}

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
  load = await ConversationLoad.start(server, talking);
  await sleep(1_000);
  load.takeLongestWaitMs();
  await server.cluster.member('gateway-1').stop();
  await eventually(async () => {
    expect(await server.cluster.sessions()).toEqual([12]);
  });
  await server.cluster.member('gateway-1').start();
  await load.settle(settleMs);
  expect(load.takeLongestWaitMs()).toBeLessThan(goesOnMs);
}, 180_000);

describe('while devices talk', () => {
  const rows: string[] = [];
  afterAll(() => {
    console.log(['what | accepted | longest wait for `accepted` | all is well after | duplicates removed', ...rows].join('\n'));
  });

  test.each(faults)(
    '$what loses nothing and keeps the order',
    async ({ what, breaks, lastsMs, mends, acceptedWithinMs }) => {
      load = await ConversationLoad.start(server, talking);
      await sleep(1_000);
      load.takeLongestWaitMs();
      await breaks(server.cluster);
      await sleep(lastsMs);
      await mends(server.cluster);
      const mendedAtMs = performance.now();
      await sleep(1_000);
      await load.settle(settleMs);
      const longestMs = load.takeLongestWaitMs();
      rows.push(
        `${what} | ${load.accepted} | ${Math.round(longestMs)} ms | ${((performance.now() - mendedAtMs) / 1_000).toFixed(1)} s | ${load.duplicates}`,
      );
      expect(longestMs).toBeLessThan(acceptedWithinMs);
    },
    240_000,
  );
});
