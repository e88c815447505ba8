import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';

import { closeCodes } from '../../protocol/close-codes.js';
import { limits, rateLimits } from '../../protocol/limits.js';
import { eventually } from '../support/eventually.js';
import type { RawClient } from '../support/raw-client.js';
import { RawPair } from '../support/raw-pair.js';
import { TestServer } from '../support/server.js';
import { shippedLimits } from '../support/shipped-limits.js';
import { untilLimited } from '../support/until-limited.js';

const connectionLimits = { HELIOGRAPH_MAX_CONNECTIONS: '20', HELIOGRAPH_MAX_CONNECTIONS_PER_ADDRESS: '12' };
let server: TestServer;
const clients: RawClient[] = [];

beforeAll(async () => {
  server = await TestServer.start({ environment: { ...shippedLimits('send', 'recipient', 'hello'), ...connectionLimits } });
}, 120_000);
afterEach(() => {
  for (const client of clients.splice(0)) client.terminate();
});
afterAll(() => server.stop());

async function connect(pair: RawPair, device = pair.alice): Promise<RawClient> {
  const client = await pair.connect(device);
  clients.push(client);
  return client;
}

type Reply = Awaited<ReturnType<RawClient['reply']>>;

/** Waits as it is told to and tries again: once for the limit of the device, once for that of the conversation. */
async function acceptedInTime(client: RawClient, frame: ReturnType<RawPair['message']>, refusal: Reply): Promise<Reply> {
  let reply = refusal;
  for (let attempt = 2; attempt <= 3 && reply.type === 'error'; attempt += 1) {
    await sleep(reply.retryAfterMs ?? 0);
    client.send({ ...frame, attempt });
    reply = await client.reply(frame.id);
  }
  return reply;
}

async function allOf(client: RawClient, count: number): Promise<string[]> {
  const got: string[] = [];
  while (got.length < count) {
    const { seq, items } = await client.next('deliver', undefined, 20_000);
    got.push(...items.map(({ messageId }) => messageId));
    client.send({ type: 'ack', seq });
  }
  return got;
}

describe('limits', () => {
  test('what is sent beyond a burst is refused with the time to wait; everything accepted arrives, and after that time so does the refused one', async () => {
    const pair = await RawPair.register(server);
    const [alice, bob] = [await connect(pair), await connect(pair, pair.bob)];
    const { burst, perSecond } = rateLimits.send;
    const frames = Array.from({ length: burst + perSecond }, () => pair.message());
    for (const frame of frames) alice.send(frame);
    const replies = await Promise.all(frames.map(({ id }) => alice.reply(id)));
    const first = replies.findIndex(({ type }) => type === 'error');
    expect(first).toBeGreaterThanOrEqual(burst);
    const [frame, refusal] = [frames[first], replies[first]];
    if (frame === undefined || refusal === undefined) throw new Error('nothing was refused');
    expect(refusal).toMatchObject({ type: 'error', code: 'rate_limited', retryAfterMs: expect.any(Number) });
    const accepted = [...frames.filter((_, index) => replies[index]?.type === 'accepted'), frame];
    const arriving = allOf(bob, accepted.length);
    expect(await acceptedInTime(alice, frame, refusal)).toMatchObject({ type: 'accepted' });
    expect(await arriving).toEqual(accepted.map(({ messageId }) => messageId));
  });

  test('a device that says hello too often is told when to come back, and keeps the connection that it has', async () => {
    const pair = await RawPair.register(server);
    const greet = async () => {
      const client = await pair.greet(pair.alice);
      clients.push(client);
      return { client, answer: await Promise.race([client.next('welcome'), client.next('error')]) };
    };
    let last = await greet();
    const { burst, perSecond } = rateLimits.hello;
    const refused = await untilLimited({ burst: burst - 1, perSecond }, greet, (greeted) => {
      if (greeted.answer.type === 'welcome') last = greeted;
      return greeted.answer.type === 'error';
    });
    expect(refused.answer).toMatchObject({ code: 'rate_limited', retryAfterMs: expect.any(Number) });
    expect((await refused.client.closed).code).toBe(closeCodes.overloaded.code);
    last.client.send({ type: 'ping', id: 1 });
    expect(await last.client.reply(1)).toEqual({ type: 'ok', id: 1 });
  });

  test('above the number of connections that a gateway takes from one address, the upgrade is answered with 429, and above that of all with 503', async () => {
    const pair = await RawPair.register(server);
    await eventually(async () => {
      expect(await server.metric('heliograph_gateway_connections')).toBe(0);
    });
    expect(await openUntilRefused(pair, '127.0.0.1')).toEqual({ open: 12, refusal: expect.stringContaining('429') });
    expect(await openUntilRefused(pair, '127.0.0.2')).toEqual({ open: 8, refusal: expect.stringContaining('503') });
  });

  async function openUntilRefused(pair: RawPair, localAddress: string) {
    for (let open = 0; ; open += 1) {
      try {
        clients.push(await pair.open('msgpack', pair.alice, { localAddress }));
      } catch (error) {
        return { open, refusal: String(error) };
      }
    }
  }
});

describe('a client that sends and does not read', () => {
  test('is closed with 4005 once 4 MiB wait for it, and its peer is served meanwhile', async () => {
    const pair = await RawPair.register(server);
    const [alice, bob] = [await connect(pair), await connect(pair, pair.bob)];
    const first = pair.message();
    alice.send(first);
    bob.send({ type: 'ack', seq: (await bob.next('deliver')).seq });
    await alice.next('receipts');
    alice.pause();
    const conversations = Array.from({ length: limits.maxReceiptConversations }, () => pair.conversationId);
    // Each answer has about 15 KB; the system's own buffers take several MB before anything waits in the server.
    for (let id = 1_000; id < 2_500; id += 1) alice.send({ type: 'receipts.get', id, conversations });
    await eventually(async () => {
      bob.send({ type: 'ping', id: 1 });
      expect(await bob.reply(1)).toEqual({ type: 'ok', id: 1 });
      expect(await server.metric('heliograph_gateway_sessions_closed_total{reason="slowConsumer"}')).toBe(1);
    }, 60_000);
    alice.resume();
    expect((await alice.closed).code).toBe(closeCodes.slowConsumer.code);
  }, 90_000);
});

describe('a handshake', () => {
  test('without a subprotocol that is spoken here is closed with 4505, or fails where the client asked for another', async () => {
    const closedWith = (protocols: string[]) =>
      new Promise<number | string>((resolve) => {
        const ws = new WebSocket(server.socketUrl, protocols);
        ws.once('close', resolve);
        ws.once('error', (error) => {
          resolve(error.message);
        });
      });
    expect(await closedWith([])).toBe(closeCodes.protocolVersion.code);
    expect(await closedWith(['heliograph.v0.json'])).toBe('Server sent no subprotocol');
  });

  test('elsewhere than at the socket is answered with 404', async () => {
    const refused = new Promise<string>((resolve) => {
      new WebSocket(server.socketUrl.replace('/socket', '/elsewhere')).once('error', (error) => {
        resolve(error.message);
      });
    });
    expect(await refused).toContain('404');
  });
});
