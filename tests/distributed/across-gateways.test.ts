import { afterAll, beforeAll, expect, test } from '@jest/globals';

import type { AccountId } from '../../protocol/ids.js';
import { problem } from '../../protocol/rest/problem.js';
import { stackPorts } from '../../app/stack/endpoints.js';
import { eventually } from '../support/eventually.js';
import type { RawClient } from '../support/raw-client.js';
import { RawPair } from '../support/raw-pair.js';
import { TestServer } from '../support/server.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';

let server: TestServer;
let pair: RawPair;
let redis: TcpProxy;

beforeAll(async () => {
  redis = await startTcpProxy(stackPorts.redis);
  server = await TestServer.start({ environment: { HELIOGRAPH_REDIS_URL: `redis://127.0.0.1:${redis.port}` } });
  pair = await RawPair.register(server);
}, 120_000);
afterAll(async () => {
  await server.stop();
  await redis.close();
}, 60_000);

function at(gateway: string): RawPair {
  return pair.through(server.cluster.member(gateway).socketUrl);
}

function ask(gateway: string, path: string): Promise<Response> {
  const { ports } = server.cluster.member(gateway);
  return fetch(`http://127.0.0.1:${ports.public}/v1${path}`, { headers: { authorization: `Bearer ${pair.alice.token}` } });
}

const claim = (gateway: string) => ask(gateway, `/accounts/${pair.bob.accountId}/prekeys`);

/** Of the account that is watched: whether it was online, as it was told. */
function told(client: RawClient): readonly boolean[] {
  return client.unread.flatMap((frame) => (frame.type === 'presence' ? frame.online : []));
}

test('a device at one gateway is told of the claims at another', async () => {
  const bob = await at('gateway-2').connect(pair.bob);
  expect((await claim('gateway-1')).status).toBe(200);
  expect(await bob.next('prekeys.low')).toEqual({ type: 'prekeys.low', ecRemaining: 0, kemRemaining: 0 });
  await bob.close();
});

test('who is on another gateway is seen to come, to type and to go, also when that gateway dies', async () => {
  const watcher = await at('gateway-1').connect(pair.alice);
  watcher.send({ type: 'watch', id: 1, accounts: [pair.bob.accountId as AccountId] });
  expect(await watcher.reply(1)).toMatchObject({ type: 'ok' });
  await eventually(() => expect(told(watcher)).toEqual([false]));
  const watched = await at('gateway-2').connect(pair.bob);
  await eventually(() => expect(told(watcher)).toEqual([false, true]));
  watched.send({ type: 'typing', conversationId: pair.conversationId, state: 'started' });
  expect(await watcher.next('typing')).toMatchObject({ accountId: pair.bob.accountId, state: 'started' });
  await server.cluster.member('gateway-2').kill();
  await watched.closed;
  // The lease of the gateway ends after 10 s, a look comes every 30 s, and another one after 5 s.
  await eventually(() => expect(told(watcher)).toEqual([false, true, false]), 50_000);
  const again = await at('gateway-1').connect(pair.bob);
  await eventually(() => expect(told(watcher)).toEqual([false, true, false, true]));
  for (const client of [watcher, again]) await client.close();
  await server.cluster.member('gateway-2').start();
}, 120_000);

test('while redis is away watchers keep what they know and nothing breaks, and then they are brought up to date', async () => {
  const watcher = await at('gateway-1').connect(pair.alice);
  watcher.send({ type: 'watch', id: 1, accounts: [pair.bob.accountId as AccountId] });
  await eventually(() => expect(told(watcher)).toEqual([false]));
  redis.cut();
  const watched = await at('gateway-2').connect(pair.bob);
  watched.send({ type: 'typing', conversationId: pair.conversationId, state: 'started' });
  watched.send({ type: 'watch', id: 2, accounts: [pair.alice.accountId as AccountId] });
  expect(await watched.reply(2)).toMatchObject({ type: 'ok' });
  const message = pair.message();
  watcher.send(message);
  expect(await watcher.reply(message.id)).toMatchObject({ type: 'accepted' });
  expect([told(watcher), told(watched)]).toEqual([[false], []]);
  redis.mend();
  await eventually(() => expect([told(watcher), told(watched).at(-1)]).toEqual([[false, true], true]), 45_000);
  for (const client of [watcher, watched]) await client.close();
}, 120_000);

test('claims are refused while Redis is away, so that nobody takes all keys then; what draws on no limit goes on', async () => {
  redis.cut();
  const refused = await claim('gateway-1');
  expect([refused.status, problem.parse(await refused.json()).code]).toEqual([429, 'rate_limited']);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await ask('gateway-1', '/prekeys/count')).status).toBe(200);
  redis.mend();
  await eventually(async () => expect((await claim('gateway-1')).status).toBe(200), 10_000);
});
