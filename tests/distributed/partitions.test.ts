import { afterAll, beforeAll, describe, test } from '@jest/globals';

import { Stack } from '../../app/stack/stack.js';
import { stackPorts } from '../../app/stack/endpoints.js';
import { faultColumns, goesOnMs, survive, type Fault } from '../support/fault-run.js';
import { TestServer } from '../support/server.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';

/** Where the others reach gateway-1: another address of this machine, so that a proxy can stand between. */
const otherHost = '127.0.0.2';

const engines = new Stack('.stack');
let server: TestServer;
let toGateway: TcpProxy;
let redisOfAll: TcpProxy;
let redisOfPipeline: TcpProxy;

beforeAll(async () => {
  redisOfAll = await startTcpProxy(stackPorts.redis);
  redisOfPipeline = await startTcpProxy(stackPorts.redis);
  const redisAt = ({ port }: TcpProxy) => ({ HELIOGRAPH_REDIS_URL: `redis://127.0.0.1:${port}` });
  server = await TestServer.start({
    environment: redisAt(redisOfAll),
    ofMember: { 'gateway-1': { HELIOGRAPH_LINK_HOST: otherHost }, 'pipeline-1': redisAt(redisOfPipeline) },
  });
  const { link } = server.cluster.member('gateway-1').ports;
  toGateway = await startTcpProxy(link, { host: otherHost, port: link });
}, 120_000);
afterAll(async () => {
  await server.stop();
  await Promise.all([toGateway, redisOfAll, redisOfPipeline].map((proxy) => proxy.close()));
}, 60_000);

const faults: readonly Fault[] = [
  {
    what: 'a link to a gateway that takes 300 ms',
    breaks: () => {
      toGateway.delay(300);
    },
    lastsMs: 10_000,
    mends: () => {
      toGateway.delay(0);
    },
    acceptedWithinMs: goesOnMs,
  },
  {
    what: 'a link to a gateway that is half-open',
    breaks: () => {
      toGateway.freeze();
    },
    lastsMs: 20_000,
    mends: () => {
      toGateway.thaw();
    },
    acceptedWithinMs: goesOnMs,
  },
  {
    what: 'a link to a gateway that is cut',
    breaks: () => {
      toGateway.cut();
    },
    lastsMs: 10_000,
    mends: () => {
      toGateway.mend();
    },
    acceptedWithinMs: goesOnMs,
  },
  {
    what: 'a pipeline that is cut from Redis alone',
    breaks: () => {
      redisOfPipeline.cut();
    },
    lastsMs: 10_000,
    mends: () => {
      redisOfPipeline.mend();
    },
    acceptedWithinMs: goesOnMs,
  },
  {
    what: 'a pipeline whose connections to Redis are half-open',
    breaks: () => {
      redisOfPipeline.freeze();
    },
    lastsMs: 20_000,
    mends: () => {
      redisOfPipeline.thaw();
    },
    acceptedWithinMs: goesOnMs,
  },
  {
    what: 'Redis that is back empty while half-open connections to the old one linger',
    breaks: async () => {
      redisOfAll.strand();
      redisOfPipeline.strand();
      await engines.kill('redis');
      await engines.restart('redis');
    },
    lastsMs: 10_000,
    mends: () => undefined,
    acceptedWithinMs: goesOnMs,
  },
  {
    what: 'a pipeline that leaves and joins again six times',
    breaks: async (cluster) => {
      for (let times = 0; times < 6; times += 1) {
        await cluster.member('pipeline-2').stop();
        await cluster.member('pipeline-2').start();
      }
    },
    lastsMs: 0,
    mends: () => undefined,
    acceptedWithinMs: goesOnMs,
  },
];

describe('while devices talk', () => {
  const rows: string[] = [];
  afterAll(() => {
    console.log([faultColumns, ...rows].join('\n'));
  });

  test.each(faults)(
    '$what loses nothing and keeps the order',
    async (fault) => {
      rows.push(await survive(server, fault));
    },
    240_000,
  );
});
