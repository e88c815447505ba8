import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 } from 'uuid';

import { createSystemClock } from '../../adapters/system/system-clock.js';
import { createTokens } from '../../gateway/tokens.js';
import { positionOf } from '../../core/position.js';
import { closeCodes } from '../../protocol/close-codes.js';
import { encodings, type EncodingName } from '../../protocol/encoding.js';
import type { AccountId, ConversationId, DeviceId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import { RawClient } from '../support/raw-client.js';
import { RawPair } from '../support/raw-pair.js';
import { sharedServer, type RunningServer } from '../support/server.js';
import { allowedOrigin } from '../support/shared-settings.js';

let server: RunningServer;
let pair: RawPair;
let faultsBefore: number;
const clients: RawClient[] = [];

const faults = () => server.metric('heliograph_gateway_internal_errors_total');

beforeAll(async () => {
  server = await sharedServer();
  faultsBefore = await faults();
  pair = await RawPair.register(server);
}, 120_000);
afterEach(() => {
  for (const client of clients.splice(0)) client.terminate();
});
afterAll(async () => {
  const { ready } = await server.readiness();
  expect([ready, await faults()]).toEqual([true, faultsBefore]);
});

async function fresh(encoding: EncodingName = 'msgpack', options: Parameters<typeof RawClient.connect>[2] = {}): Promise<RawClient> {
  const client = await RawClient.connect(server.socketUrl, encoding, options);
  clients.push(client);
  return client;
}

async function greeted(encoding: EncodingName): Promise<RawClient> {
  const client = await pair.connect(pair.alice, encoding);
  clients.push(client);
  return client;
}

const hello = (token: string) => ({ type: 'hello', token, connection: Date.now(), device: { name: 'raw', version: '1' } }) as const;
const tokensAt = (nowMs: () => number, lifetimeMs = 1_000) =>
  createTokens({ keys: server.tokenKeys, clock: { ...createSystemClock(), nowMs }, lifetimeMs });
const aliceDevice = () => ({ accountId: pair.alice.accountId as AccountId, deviceId: 1 as DeviceId });

describe.each<EncodingName>(['msgpack', 'json'])('bad frames in %s', (encoding) => {
  const encode = (value: unknown) => encodings[encoding].encode(value as never);

  test('bytes that do not decode close with 4500', async () => {
    const client = await greeted(encoding);
    client.sendRaw(encoding === 'json' ? '{"type":' : new Uint8Array([0xc1, 0xc1]));
    expect(await client.next('error')).toMatchObject({ code: 'invalid_frame', message: `the frame is not valid ${encoding}` });
    expect((await client.closed).code).toBe(closeCodes.badFrame.code);
  });

  test('a frame of the other kind closes with 4500', async () => {
    const client = await greeted(encoding);
    client.sendRaw(encoding === 'json' ? new Uint8Array([0x80]) : '{}');
    expect(await client.next('error')).toMatchObject({ code: 'invalid_frame' });
    expect((await client.closed).code).toBe(closeCodes.badFrame.code);
  });

  test('a frame above the limit is answered with the limit and closes with 4507', async () => {
    const client = await greeted(encoding);
    const size = limits.maxFrameBytes + 1;
    client.sendRaw(encoding === 'json' ? 'x'.repeat(size) : new Uint8Array(size));
    expect(await client.next('error')).toMatchObject({ code: 'too_large', message: `frame: at most ${limits.maxFrameBytes} bytes` });
    expect((await client.closed).code).toBe(closeCodes.tooLarge.code);
  });

  test.each<[string, () => object, string]>([
    ['an unknown field', () => ({ ...pair.message(), colour: 'red' }), 'colour'],
    ['an unknown type', () => ({ type: 'dance', id: 1 }), 'type'],
    ['a wrong type', () => ({ ...pair.message(), attempt: 'first' }), 'attempt'],
    ['a missing field', () => ({ ...pair.message(), rosterDigest: undefined }), 'rosterDigest'],
    ['a body above its limit', () => pair.message({ body: new Uint8Array(limits.maxBodyBytes + 1) }), 'body'],
    [
      'too many envelopes',
      () => pair.message({ envelopes: Array.from({ length: limits.maxEnvelopes + 1 }, () => pair.envelopeFor(pair.bob)) }),
      'envelopes',
    ],
    ['a wrong id inside', () => pair.message({ envelopes: [{ ...pair.envelopeFor(pair.bob), type: 256 }] }), 'envelopes.0.type'],
    ['a message without body', () => ({ ...pair.message(), body: undefined }), 'body'],
    ['keys with a body', () => pair.message({ kind: 'keys' }), 'body'],
    ['two envelopes for one device', () => pair.message({ envelopes: [pair.envelopeFor(pair.bob), pair.envelopeFor(pair.bob)] }), 'envelopes'],
  ])('%s is named, and the connection goes on', async (_, frame, field) => {
    const client = await greeted(encoding);
    client.sendRaw(encode(JSON.parse(JSON.stringify(frame(), undefinedAway), bytesBack)));
    const error = await client.next('error');
    expect(error).toMatchObject({ code: 'invalid_frame', detail: { field } });
    client.send({ type: 'ping', id: 7 });
    expect(await client.reply(7)).toEqual({ type: 'ok', id: 7 });
  });

  test('a frame before hello, and a second hello, close with 4500', async () => {
    const early = await fresh(encoding);
    early.send({ type: 'ping', id: 1 });
    expect(await early.next('error')).toMatchObject({ code: 'unauthenticated', message: 'ping: hello comes first' });
    expect((await early.closed).code).toBe(closeCodes.badFrame.code);
    const twice = await greeted(encoding);
    twice.send(hello(pair.alice.token));
    expect(await twice.next('error')).toMatchObject({ code: 'invalid_frame', message: 'hello: only once in a connection' });
    expect((await twice.closed).code).toBe(closeCodes.badFrame.code);
  });

  test('frame after frame that does not fit ends with 4508', async () => {
    const client = await greeted(encoding);
    for (let count = 0; count < 30; count += 1) client.sendRaw(encode({ type: 'dance' }));
    expect((await client.closed).code).toBe(closeCodes.abuse.code);
  });
});

/** Survives the way through JSON: undefined fields go, bytes come back as bytes. */
function undefinedAway(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const original = this[key];
  return original instanceof Uint8Array ? { $bytes: Buffer.from(original).toString('base64') } : value;
}
function bytesBack(_key: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && '$bytes' in value ? Buffer.from(String(value.$bytes), 'base64') : value;
}

describe('who may come in', () => {
  test('nobody without hello for longer than 5 s', async () => {
    const client = await fresh();
    expect((await client.closed).code).toBe(closeCodes.helloTimeout.code);
  });

  test.each<[string, () => Promise<string>, keyof typeof closeCodes]>([
    ['an expired token', async () => (await tokensAt(() => Date.now() - 60_000).issue(aliceDevice())).token, 'tokenExpired'],
    ['a forged token', () => Promise.resolve(`${pair.alice.token.slice(0, -6)}AAAAAA`), 'unauthenticated'],
    ['garbage for a token', () => Promise.resolve('not-a-token'), 'unauthenticated'],
    [
      'a token of a device that does not exist',
      async () => (await tokensAt(Date.now, 60_000).issue({ ...aliceDevice(), deviceId: 5 as DeviceId })).token,
      'unauthenticated',
    ],
  ])('not %s', async (_, token, reason) => {
    const client = await fresh();
    client.send(hello(await token()));
    expect(await client.next('error')).toMatchObject({ code: 'unauthenticated' });
    expect((await client.closed).code).toBe(closeCodes[reason].code);
  });

  test('a token that ends closes its connection with 4001', async () => {
    const client = await fresh();
    client.send(hello((await tokensAt(Date.now, 2_000).issue(aliceDevice())).token));
    await client.next('welcome');
    expect((await client.closed).code).toBe(closeCodes.tokenExpired.code);
  }, 60_000);

  test('no browser of a foreign origin, and one of an allowed origin', async () => {
    const foreign = await fresh('json', { origin: 'https://theirs.example' });
    expect((await foreign.closed).code).toBe(closeCodes.originRefused.code);
    const ours = await fresh('json', { origin: allowedOrigin });
    ours.send(hello(pair.bob.token));
    await ours.next('welcome');
  });
});

describe('sends that are refused', () => {
  test('to a conversation of others, and to one that does not exist', async () => {
    const others = await RawPair.register(server);
    const client = await greeted('msgpack');
    for (const conversationId of [others.conversationId, v7() as ConversationId]) {
      const frame = pair.message({ conversationId });
      client.send(frame);
      expect(await client.reply(frame.id)).toMatchObject({ type: 'error', code: 'not_a_member' });
    }
  });

  test('with a device set that does not fit: what is missing, extra and stale is named, and partial sends what fits', async () => {
    const others = await RawPair.register(server);
    const client = await greeted('msgpack');
    const stale = { ...pair.envelopeFor(pair.bob), to: { ...pair.envelopeFor(pair.bob).to, registrationId: (pair.bob.registrationId % 16_000) + 1 } };
    const address = { accountId: pair.bob.accountId, deviceId: 1, registrationId: pair.bob.registrationId };
    const wrong = [
      { envelopes: [], difference: { missing: [address], extra: [], stale: [] } },
      { envelopes: [stale], difference: { missing: [], extra: [], stale: [address] } },
      {
        envelopes: [pair.envelopeFor(pair.bob), others.envelopeFor(others.bob)],
        difference: { missing: [], extra: [{ accountId: others.bob.accountId, deviceId: 1 }], stale: [] },
      },
    ];
    for (const { envelopes, difference } of wrong) {
      const strict = pair.message({ envelopes });
      client.send(strict);
      expect(await client.reply(strict.id)).toMatchObject({ type: 'error', code: 'roster_mismatch', detail: difference });
      const partial = pair.message({ envelopes, strategy: 'partial' });
      client.send(partial);
      expect(await client.reply(partial.id)).toMatchObject({ type: 'accepted', roster: difference });
    }
  });

  test('a message id with other content, while the same content gets the first answer again', async () => {
    const client = await greeted('msgpack');
    const frame = pair.message();
    client.send(frame);
    const first = await client.reply(frame.id);
    client.send({ ...frame, id: 1, attempt: 2 });
    expect(await client.reply(1)).toEqual({ ...first, id: 1 });
    client.send({ ...frame, id: 2, attempt: 3, body: new Uint8Array(5) });
    expect(await client.reply(2)).toMatchObject({ type: 'error', code: 'message_conflict' });
  });

  test('an ack and a read beyond what there is', async () => {
    const reader = await greeted('msgpack');
    const position = positionOf(1, 1_000_000);
    reader.send({ type: 'read', id: 1, conversationId: pair.conversationId, position, senders: [pair.bob.accountId as AccountId] });
    expect(await reader.reply(1)).toMatchObject({ type: 'error', code: 'invalid_frame', detail: { field: 'position' } });
    reader.send({ type: 'ack', seq: 1_000 });
    expect(await reader.next('error')).toMatchObject({ code: 'invalid_frame', message: 'seq: beyond what was delivered' });
    expect((await reader.closed).code).toBe(closeCodes.badFrame.code);
  });
});
