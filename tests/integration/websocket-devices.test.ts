import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import type { LoadDevice } from '../../bench/load/wire.js';
import { bytesReplacer } from '../../protocol/bytes.js';
import { closeCodes } from '../../protocol/close-codes.js';
import type { EncodingName } from '../../protocol/encoding.js';
import type { AccountId, DeviceId } from '../../protocol/ids.js';
import type { RawClient } from '../support/raw-client.js';
import { RawPair } from '../support/raw-pair.js';
import { RegisteredDevices, type SignedAccount } from '../support/registered-devices.js';
import { sharedServer, type RunningServer } from '../support/server.js';

let server: RunningServer;
let registered: RegisteredDevices;
const clients: RawClient[] = [];

beforeAll(async () => {
  server = await sharedServer();
  registered = new RegisteredDevices(server);
}, 120_000);
afterEach(() => {
  for (const client of clients.splice(0)) client.terminate();
});
afterAll(() => registered.close());

interface Party {
  readonly pair: RawPair;
  readonly alice: SignedAccount;
  readonly phone: LoadDevice;
  readonly laptop: LoadDevice;
  readonly bob: LoadDevice;
}

/** Alice has two devices, Bob one. */
async function party(): Promise<Party> {
  const [alice, bob] = await Promise.all([registered.account(2), registered.account(1)]);
  const [phone, laptop] = alice.devices;
  const pair = new RawPair(server.socketUrl, await registered.conversation(alice, bob));
  if (phone === undefined || laptop === undefined) throw new Error('two devices were asked for');
  return { pair, alice, phone, laptop, bob: pair.bob };
}

async function connect(pair: RawPair, device: LoadDevice, encoding: EncodingName = 'msgpack'): Promise<RawClient> {
  const client = await pair.connect(device, encoding);
  clients.push(client);
  return client;
}

async function greet(pair: RawPair, device: LoadDevice, connection: number): Promise<RawClient> {
  const client = await pair.greet(device, 'msgpack', connection);
  clients.push(client);
  return client;
}

async function accepted(client: RawClient, frame: ReturnType<RawPair['message']>): Promise<number> {
  client.send(frame);
  const reply = await client.reply(frame.id);
  if (reply.type !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(reply)}`);
  return reply.position;
}

describe.each<EncodingName>(['msgpack', 'json'])('an account with two devices, in %s', (encoding) => {
  test('gets on each of them what is sent to it, and on the other what one of them sends', async () => {
    const { pair, phone, laptop, bob } = await party();
    const [onPhone, onLaptop, atBob] = [
      await connect(pair, phone, encoding),
      await connect(pair, laptop, encoding),
      await connect(pair, bob, encoding),
    ];
    const incoming = pair.message({ envelopes: [pair.envelopeFor(phone), pair.envelopeFor(laptop)] });
    const position = await accepted(atBob, incoming);
    for (const client of [onPhone, onLaptop]) {
      const { seq, items } = await client.next('deliver');
      expect(items).toMatchObject([{ messageId: incoming.messageId, position, sender: { accountId: bob.accountId, deviceId: 1 } }]);
      client.send({ type: 'ack', seq });
    }
    const outgoing = pair.message({ envelopes: [pair.envelopeFor(laptop), pair.envelopeFor(bob)] });
    await accepted(onPhone, outgoing);
    for (const client of [onLaptop, atBob]) {
      expect((await client.next('deliver')).items).toMatchObject([
        { messageId: outgoing.messageId, sender: { accountId: phone.accountId, deviceId: 1 } },
      ]);
    }
  });

  test('tells the sender and its own other device what was read, and the sender which device has what', async () => {
    const { pair, alice, phone, laptop, bob } = await party();
    const [onPhone, onLaptop, atBob] = [
      await connect(pair, phone, encoding),
      await connect(pair, laptop, encoding),
      await connect(pair, bob, encoding),
    ];
    const position = await accepted(atBob, pair.message({ envelopes: [pair.envelopeFor(phone), pair.envelopeFor(laptop)] }));
    for (const [index, client] of [onPhone, onLaptop].entries()) {
      client.send({ type: 'ack', seq: (await client.next('deliver')).seq });
      const { items } = await atBob.next('receipts');
      expect(items).toMatchObject([{ accountId: alice.accountId, deviceId: index + 1, deliveredPosition: position }]);
    }
    onPhone.send({ type: 'read', id: 1, conversationId: pair.conversationId, position, senders: [bob.accountId as AccountId] });
    expect(await onPhone.reply(1)).toMatchObject({ type: 'ok' });
    for (const client of [atBob, onLaptop]) {
      expect((await client.next('receipts')).items).toMatchObject([{ accountId: alice.accountId, readPosition: position }]);
    }
  });
});

describe('a device that connects twice', () => {
  test('keeps the higher connection number, whichever comes first', async () => {
    const { pair, phone } = await party();
    const present = await greet(pair, phone, 1_000);
    await present.next('welcome');
    const lower = await greet(pair, phone, 999);
    expect((await lower.closed).code).toBe(closeCodes.displaced.code);
    present.send({ type: 'ping', id: 1 });
    expect(await present.reply(1)).toEqual({ type: 'ok', id: 1 });
    const higher = await greet(pair, phone, 1_001);
    await higher.next('welcome');
    expect((await present.closed).code).toBe(closeCodes.displaced.code);
    expect(await accepted(higher, pair.message({ strategy: 'partial' }))).toBeGreaterThan(0);
  });
});

describe('a device that is removed', () => {
  const removeLaptop = (alice: SignedAccount, phone: LoadDevice) =>
    fetch(`${server.publicUrl}/v1/devices/2`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${phone.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ deviceList: alice.signList(2, [phone]) }, bytesReplacer),
    });

  test('is out also when it was just about to be let in', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { pair, alice, phone, laptop } = await party();
      const [greeted] = await Promise.all([greet(pair, laptop, round + 1), removeLaptop(alice, phone)]);
      expect([closeCodes.deviceUnlinked.code, closeCodes.unauthenticated.code]).toContain((await greeted.closed).code);
    }
  });

  test('loses its session and its token at once, and messages for it are refused as extra', async () => {
    const { pair, alice, phone, laptop, bob } = await party();
    const [onPhone, onLaptop, atBob] = [await connect(pair, phone), await connect(pair, laptop), await connect(pair, bob)];
    await accepted(atBob, pair.message({ envelopes: [pair.envelopeFor(phone), pair.envelopeFor(laptop)] }));
    expect((await removeLaptop(alice, phone)).status).toBe(202);
    expect((await onLaptop.closed).code).toBe(closeCodes.deviceUnlinked.code);
    const again = await greet(pair, laptop, 1_000_000);
    expect(await again.next('error')).toMatchObject({ code: 'unauthenticated', message: 'token: its device was unlinked' });
    expect((await again.closed).code).toBe(closeCodes.unauthenticated.code);
    const stale = pair.message({ envelopes: [pair.envelopeFor(phone), pair.envelopeFor(laptop)] });
    atBob.send(stale);
    const removed = { accountId: alice.accountId, deviceId: 2 as DeviceId };
    expect(await atBob.reply(stale.id)).toMatchObject({
      type: 'error',
      code: 'roster_mismatch',
      detail: { missing: [], extra: [removed], stale: [] },
    });
    const fresh = pair.message({ envelopes: [pair.envelopeFor(phone)] });
    await accepted(atBob, fresh);
    await onPhone.next('deliver', ({ items }) => items.some(({ messageId }) => messageId === fresh.messageId));
  });
});
