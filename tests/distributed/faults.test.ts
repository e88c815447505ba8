import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { Stack } from '../../app/stack/stack.js';
import type { HeliographCluster } from '../../bench/process/heliograph-cluster.js';
import { ConversationLoad } from '../support/conversation-load.js';
import { openRedis } from '../support/redis.js';
import { TestServer } from '../support/server.js';

/** How long an engine or a process is gone. */
const goneMs = 5_000;
const frozenMs = 20_000;
const settleMs = 60_000;

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
  killed('gateway-1', 5_000),
  killed('pipeline-1', 3_000),
  killed('temporal-worker-1', 3_000),
  engineKilled('redis', 3_000),
  engineKilled('cassandra', 3_000),
  engineKilled('postgres', 3_000),
  engineKilled('temporal', 3_000),
  engineKilled('kafka', goneMs + 25_000),
  {
    what: 'FLUSHALL of redis',
    breaks: async () => {
      const connection = await openRedis();
      await connection.redis.flushall();
      connection.close();
    },
    lastsMs: 1_000,
    mends: () => undefined,
    acceptedWithinMs: 3_000,
  },
  frozen('gateway-1', 8_000),
  frozen('pipeline-1', 3_000),
  frozen('temporal-worker-1', 3_000),
  engineFrozen('redis', 3_000),
  engineFrozen('cassandra', 3_000),
  engineFrozen('postgres', 3_000),
  engineFrozen('temporal', 3_000),
  engineFrozen('kafka', frozenMs + 20_000),
];

test('a gateway that is stopped sends its devices to the other one without keeping anybody waiting', async () => {
  load = await ConversationLoad.start(server, { pairs: 6, everyMs: 60 });
  await sleep(1_000);
  load.takeLongestWaitMs();
  await server.cluster.member('gateway-1').stop();
  expect(await server.cluster.sessions()).toEqual([12]);
  await server.cluster.member('gateway-1').start();
  await load.settle(settleMs);
  expect(load.takeLongestWaitMs()).toBeLessThan(1_500);
}, 90_000);

describe('while devices talk', () => {
  const rows: string[] = [];
  afterAll(() => {
    console.log(['what | accepted | longest wait for `accepted` | all is well after | duplicates removed', ...rows].join('\n'));
  });

  test.each(faults)(
    '$what loses nothing and keeps the order',
    async ({ what, breaks, lastsMs, mends, acceptedWithinMs }) => {
      load = await ConversationLoad.start(server, { pairs: 6, everyMs: 60 });
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
    150_000,
  );
});
