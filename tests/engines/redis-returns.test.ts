import { afterAll, beforeAll } from '@jest/globals';

import { stackPorts } from '../../app/stack/endpoints.js';
import { Stack } from '../../app/stack/stack.js';
import { goesOnMs, surviveEach } from '../support/fault-run.js';
import { TestServer } from '../support/server.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';

const engines = new Stack('.stack');
let server: TestServer;
let redis: TcpProxy;

beforeAll(async () => {
  redis = await startTcpProxy(stackPorts.redis);
  server = await TestServer.start({ environment: { HELIOGRAPH_REDIS_URL: `redis://127.0.0.1:${redis.port}` } });
}, 120_000);
afterAll(async () => {
  await server.stop();
  await redis.close();
}, 60_000);

surviveEach(
  () => server,
  [
    {
      what: 'Redis that is back empty while half-open connections to the old one linger',
      breaks: async () => {
        redis.strand();
        await engines.kill('redis');
        await engines.restart('redis');
      },
      lastsMs: 10_000,
      mends: () => undefined,
      acceptedWithinMs: goesOnMs,
    },
  ],
);
