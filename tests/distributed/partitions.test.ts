import { afterAll, beforeAll } from '@jest/globals';

import { stackPorts } from '../../app/stack/endpoints.js';
import { goesOnMs, surviveEach, type Fault } from '../support/fault-run.js';
import { TestServer } from '../support/server.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';

/** Where the others reach gateway-1: another address of this machine, so that a proxy can stand between. */
const otherHost = '127.0.0.2';

let server: TestServer;
let toGateway: TcpProxy;
let redisOfPipeline: TcpProxy;

beforeAll(async () => {
  redisOfPipeline = await startTcpProxy(stackPorts.redis);
  server = await TestServer.start({
    ofMember: {
      'gateway-1': { HELIOGRAPH_LINK_HOST: otherHost },
      'pipeline-1': { HELIOGRAPH_REDIS_URL: `redis://127.0.0.1:${redisOfPipeline.port}` },
    },
  });
  const { link } = server.cluster.member('gateway-1').ports;
  toGateway = await startTcpProxy(link, { host: otherHost, port: link });
}, 120_000);
afterAll(async () => {
  await server.stop();
  await Promise.all([toGateway, redisOfPipeline].map((proxy) => proxy.close()));
}, 60_000);

const fault = (what: string, lastsMs: number, breaks: Fault['breaks'], mends: Fault['mends'] = () => undefined): Fault => ({
  ...{ what, lastsMs, breaks, mends },
  acceptedWithinMs: goesOnMs,
});

const faults: readonly Fault[] = [
  fault(
    'a link to a gateway that takes 300 ms',
    10_000,
    () => toGateway.delay(300),
    () => toGateway.delay(0),
  ),
  fault(
    'a link to a gateway that is half-open',
    20_000,
    () => toGateway.freeze(),
    () => toGateway.thaw(),
  ),
  fault(
    'a link to a gateway that is cut',
    10_000,
    () => toGateway.cut(),
    () => toGateway.mend(),
  ),
  fault(
    'a pipeline that is cut from Redis alone',
    10_000,
    () => redisOfPipeline.cut(),
    () => redisOfPipeline.mend(),
  ),
  fault(
    'a pipeline whose connections to Redis are half-open',
    20_000,
    () => redisOfPipeline.freeze(),
    () => redisOfPipeline.thaw(),
  ),
  fault('a pipeline that leaves and joins again six times', 0, async () => {
    for (let times = 0; times < 6; times += 1) {
      await server.cluster.member('pipeline-2').stop();
      await server.cluster.member('pipeline-2').start();
    }
  }),
];

surviveEach(() => server, faults);
