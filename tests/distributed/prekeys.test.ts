import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { stackPorts } from '../../app/stack/endpoints.js';
import { problem } from '../../protocol/rest/problem.js';
import { eventually } from '../support/eventually.js';
import { RawPair } from '../support/raw-pair.js';
import { TestServer } from '../support/server.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';

let redis: TcpProxy;
let server: TestServer;
let pair: RawPair;

beforeAll(async () => {
  redis = await startTcpProxy(stackPorts.redis);
  server = await TestServer.start({ environment: { HELIOGRAPH_REDIS_URL: `redis://127.0.0.1:${redis.port}` } });
  pair = await RawPair.register(server);
}, 120_000);
afterAll(async () => {
  await server.stop();
  await redis.close();
}, 60_000);

function ask(gateway: string, path: string): Promise<Response> {
  const { ports } = server.cluster.member(gateway);
  return fetch(`http://127.0.0.1:${ports.public}/v1${path}`, { headers: { authorization: `Bearer ${pair.alice.token}` } });
}

const claim = (gateway: string) => ask(gateway, `/accounts/${pair.bob.accountId}/prekeys`);

test('a device at one gateway is told of the claims at another', async () => {
  const bob = await pair.through(server.cluster.member('gateway-2').socketUrl).connect(pair.bob);
  expect((await claim('gateway-1')).status).toBe(200);
  expect(await bob.next('prekeys.low')).toEqual({ type: 'prekeys.low', ecRemaining: 0, kemRemaining: 0 });
  await bob.close();
});

test('claims are refused while Redis is away, so that nobody takes all keys then; what draws on no limit goes on', async () => {
  redis.cut();
  const refused = await claim('gateway-1');
  expect([refused.status, problem.parse(await refused.json()).code]).toEqual([429, 'rate_limited']);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await ask('gateway-1', '/prekeys/count')).status).toBe(200);
  redis.mend();
  await eventually(async () => expect((await claim('gateway-1')).status).toBe(200), 10_000);
});
