import { beforeAll, expect, test } from '@jest/globals';

import { closeCodes } from '../../protocol/close-codes.js';
import { RawPair } from '../support/raw-pair.js';
import { sharedServer, type RunningServer } from '../support/server.js';

let server: RunningServer;
let pair: RawPair;

beforeAll(async () => {
  server = await sharedServer();
  pair = await RawPair.register(server);
}, 120_000);

function at(gateway: string): RawPair {
  return pair.through(server.place.socketUrlOf[gateway] ?? '');
}

test('a device that connects to another gateway is there at once, and its earlier session ends at once', async () => {
  const earlier = await at('gateway-1').connect(pair.bob);
  const sender = await at('gateway-1').connect(pair.alice);
  const later = await at('gateway-2').connect(pair.bob);
  const endedWithinMs = 1_000;
  const closed = await Promise.race([earlier.closed, new Promise((resolve) => setTimeout(resolve, endedWithinMs, 'still open'))]);
  expect(closed).toMatchObject({ code: closeCodes.displaced.code });
  const message = pair.message();
  sender.send(message);
  expect((await later.next('deliver')).items).toMatchObject([{ messageId: message.messageId }]);
  for (const client of [sender, later]) await client.close();
});

test('a lower connection that comes late to another gateway is turned away, and the present one stays', async () => {
  const present = await at('gateway-2').greet(pair.bob, 'msgpack', 10_000);
  await present.next('welcome');
  const late = await at('gateway-1').greet(pair.bob, 'msgpack', 9_999);
  expect((await late.closed).code).toBe(closeCodes.displaced.code);
  present.send({ type: 'ping', id: 1 });
  expect(await present.reply(1)).toEqual({ type: 'ok', id: 1 });
  await present.close();
});
