import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { closeCodes } from '../../protocol/close-codes.js';
import type { EncodingName } from '../../protocol/encoding.js';
import type { AccountId } from '../../protocol/ids.js';
import { deviceDrain } from '../../protocol/rest/device.js';
import { eventually } from '../support/eventually.js';
import type { RawClient } from '../support/raw-client.js';
import { RawPair } from '../support/raw-pair.js';
import { sharedServer, type RunningServer } from '../support/server.js';

let server: RunningServer;
const clients: RawClient[] = [];

beforeAll(async () => {
  server = await sharedServer();
}, 120_000);
afterEach(() => {
  for (const client of clients.splice(0)) client.terminate();
});

async function connected(pair: RawPair, encoding: EncodingName = 'msgpack'): Promise<{ alice: RawClient; bob: RawClient }> {
  const alice = await pair.connect(pair.alice, encoding);
  const bob = await pair.connect(pair.bob, encoding);
  clients.push(alice, bob);
  return { alice, bob };
}

/** What waits for Bob, as REST tells him. */
async function drainOf({ bob }: RawPair) {
  const response = await fetch(`${server.publicUrl}/v1/devices/self/drain`, { headers: { authorization: `Bearer ${bob.token}` } });
  return deviceDrain.parse(await response.json());
}

/** Acks until it has so many different messages: their ids in the order of their first arrival. */
async function allOf(client: RawClient, count: number): Promise<string[]> {
  clients.push(client);
  const got = new Set<string>();
  while (got.size < count) {
    const { seq, items } = await client.next('deliver');
    for (const { messageId } of items) got.add(messageId);
    client.send({ type: 'ack', seq });
  }
  return [...got];
}

describe.each<EncodingName>(['msgpack', 'json'])('a session in %s', (encoding) => {
  test('sends, delivers, acks and reads, and every step is told to who should know', async () => {
    const pair = await RawPair.register(server);
    const { alice, bob } = await connected(pair, encoding);
    const sent = pair.message();
    alice.send(sent);
    const accepted = await alice.reply(sent.id);
    expect(accepted).toMatchObject({ type: 'accepted', messageId: sent.messageId });
    const position = accepted.type === 'accepted' ? accepted.position : 0;

    const deliver = await bob.next('deliver');
    expect(deliver.items).toMatchObject([{ messageId: sent.messageId, position, sender: { accountId: pair.alice.accountId, deviceId: 1 } }]);
    expect(Buffer.from(deliver.items[0]?.body ?? [])).toEqual(sent.body);
    bob.send({ type: 'ack', seq: deliver.seq });
    const delivered = await alice.next('receipts');
    expect(delivered.items).toMatchObject([{ conversationId: pair.conversationId, accountId: pair.bob.accountId, deliveredPosition: position }]);

    bob.send({ type: 'read', id: 1, conversationId: pair.conversationId, position, senders: [pair.alice.accountId as AccountId] });
    expect(await bob.reply(1)).toMatchObject({ type: 'ok' });
    expect((await alice.next('receipts')).items).toMatchObject([{ readPosition: position }]);

    // What somebody was told before is in the answer.
    alice.send({ type: 'receipts.get', id: 2, conversations: [pair.conversationId] });
    const items = [{ accountId: pair.bob.accountId, deliveredPosition: position, readPosition: position }];
    expect(await alice.reply(2)).toMatchObject({ type: 'ok', items });
    alice.send({ type: 'ping', id: 3 });
    expect(await alice.reply(3)).toEqual({ type: 'ok', id: 3 });
    alice.send({ type: 'token', id: 4, token: pair.alice.token });
    expect(await alice.reply(4)).toEqual({ type: 'ok', id: 4 });
    alice.send({ type: 'token', id: 5, token: pair.bob.token });
    expect(await alice.reply(5)).toMatchObject({ type: 'error', code: 'forbidden' });
  });

  test('brings what was queued, says when that is all, and keeps the order of the sender', async () => {
    const pair = await RawPair.register(server);
    const alice = await pair.connect(pair.alice, encoding);
    clients.push(alice);
    const sent = Array.from({ length: 150 }, () => pair.message());
    const queuedBefore = await server.metric('heliograph_pipeline_inbox_rows_total');
    expect(await drainOf(pair)).toEqual({ waiting: 0, more: false });
    const fromMs = Date.now();
    for (const frame of sent) alice.send(frame);
    for (const frame of sent) expect(await alice.reply(frame.id)).toMatchObject({ type: 'accepted' });
    // An accepted message is in the log; a device that comes before it is in its inbox gets it live.
    await eventually(async () => expect(await server.metric('heliograph_pipeline_inbox_rows_total')).toBe(queuedBefore + sent.length));
    const { waiting, more, oldestQueuedAtMs = 0 } = await drainOf(pair);
    expect({ waiting, more }).toEqual({ waiting: sent.length, more: false });
    expect(oldestQueuedAtMs >= fromMs && oldestQueuedAtMs <= Date.now()).toBe(true);
    const bob = await pair.connect(pair.bob, encoding);
    clients.push(bob);
    const got: string[] = [];
    while (got.length < sent.length) {
      const { seq, items } = await bob.next('deliver');
      got.push(...items.map(({ messageId }) => messageId));
      bob.send({ type: 'ack', seq });
    }
    expect(got).toEqual(sent.map(({ messageId }) => messageId));
    expect(await bob.next('inbox.empty')).toEqual({ type: 'inbox.empty', drained: sent.length });
    expect(await drainOf(pair)).toEqual({ waiting: 0, more: false });
  });
});

describe('a device with two connections', () => {
  test('keeps the one with the higher number', async () => {
    const pair = await RawPair.register(server);
    const first = await pair.connect(pair.alice);
    const second = await pair.connect(pair.alice);
    clients.push(first, second);
    expect((await first.closed).code).toBe(closeCodes.displaced.code);
    second.send({ type: 'ping', id: 1 });
    expect(await second.reply(1)).toEqual({ type: 'ok', id: 1 });
  });
});

describe('a reader that does not ack', () => {
  test('holds up nobody else, and gets everything in order when it comes back', async () => {
    const [pair, others] = [await RawPair.register(server), await RawPair.register(server)];
    const { alice, bob } = await connected(pair);
    const { alice: carol, bob: dave } = await connected(others);
    const overflows = () => server.metric('heliograph_gateway_sessions_draining_total{cause="overflow"}');
    const overflowsBefore = await overflows();
    const sent = Array.from({ length: 300 }, () => pair.message());
    for (const frame of sent) alice.send(frame);
    for (const frame of sent) expect(await alice.reply(frame.id)).toMatchObject({ type: 'accepted' });
    const between = others.message();
    carol.send(between);
    await dave.next('deliver', ({ items }) => items[0]?.messageId === between.messageId, 2_000);
    // What is accepted may still be on its way to Bob when Dave has his.
    await eventually(async () => expect(await overflows()).toBeGreaterThan(overflowsBefore));
    bob.terminate();
    expect(await allOf(await pair.connect(pair.bob), sent.length)).toEqual(sent.map(({ messageId }) => messageId));
  });
});
