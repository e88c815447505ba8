import { beforeAll } from '@jest/globals';

import { Stack } from '../../app/stack/stack.js';
import { goesOnMs, surviveEach, type Fault } from '../support/fault-run.js';
import { openRedis } from '../support/redis.js';
import { sharedServer, type RunningServer } from '../support/server.js';

/** How long an engine is gone. */
const goneMs = 5_000;
const frozenMs = 20_000;
const kafkaReturnsMs = 60_000;

const engines = new Stack('.stack');
let server: RunningServer;

beforeAll(async () => {
  server = await sharedServer();
}, 120_000);

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

/** While Kafka is away nothing is accepted. */
const faults: readonly Fault[] = [
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
  engineFrozen('redis', goesOnMs),
  engineFrozen('cassandra', goesOnMs),
  engineFrozen('postgres', goesOnMs),
  engineFrozen('temporal', goesOnMs),
  engineFrozen('s3', goesOnMs),
  engineFrozen('kafka', frozenMs + kafkaReturnsMs),
];

surviveEach(() => server, faults);
