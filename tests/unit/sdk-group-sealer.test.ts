import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { v7 } from 'uuid';

import { encodeEvent } from '../../protocol/conversation-event.js';
import { encodings } from '../../protocol/encoding.js';
import { directConversationId, type ConversationId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { DeliverItem } from '../../protocol/server-frames.js';
import { sealBody } from '../../sdk/encryption/body-seal.js';
import { encodeContent } from '../../sdk/encryption/content.js';
import { EnvelopeSealer } from '../../sdk/encryption/envelope-sealer.js';
import { encryptTo } from '../../sdk/encryption/sessions.js';
import { GroupSealer } from '../../sdk/groups/group-sealer.js';
import { ownSenderKeyTable } from '../../sdk/groups/group-tables.js';
import { encodeNote } from '../../sdk/groups/key-note.js';
import { conversationTable, outboxTable, type OutboxRow } from '../../sdk/messages/message-tables.js';
import { dropPart, moveToFailed, type SealedRow } from '../../sdk/messages/outbox-rows.js';
import { receive, type Received } from '../../sdk/messages/receiver.js';
import { RestClient } from '../../sdk/rest/rest-client.js';
import { SerialQueue } from '../../sdk/serial-queue.js';
import { textsOf } from '../support/device-stage.js';
import { newAccountId, newMessageId } from '../support/ids.js';
import { SdkParty } from '../support/sdk-party.js';

let ann: SdkParty;
let bea: SdkParty;
let cleo: SdkParty;
let conversationId: ConversationId;
let sealer: GroupSealer;
let position = 0;

beforeAll(async () => {
  [ann, bea, cleo] = [await SdkParty.create(), await SdkParty.create(), await SdkParty.create()];
  for (const other of [bea, cleo]) await ann.meet(other.bundle());
  const signal = new SerialQueue();
  const { store, address: own } = ann;
  // Every session is there: nobody is asked for keys.
  const rest = new RestClient('http://127.0.0.1:9', () => Promise.reject(new Error('no keys are needed')));
  const onIdentityChanged = () => undefined;
  sealer = new GroupSealer({ store, own, sealer: new EnvelopeSealer({ store, own, rest, signal, onIdentityChanged }) });
});
beforeEach(async () => {
  conversationId = v7() as ConversationId;
  for (const party of [ann, bea, cleo]) await receive(party.store, party.address, [event()], 0);
});
afterAll(() => Promise.all([ann, bea, cleo].map((party) => party.dispose())));

const item = (more: Partial<DeliverItem>): DeliverItem => ({
  ...{ conversationId, position: ++position, messageId: newMessageId(), kind: 'message', sender: ann.address, acceptedAtMs: 1 },
  ...more,
});
const event = () =>
  item({ kind: 'event', body: encodeEvent({ type: 'created', version: 1, members: [ann, bea, cleo].map(({ address }) => address.accountId) }) });

function rosterOf(...parties: readonly Pick<SdkParty, 'address' | 'registrationId'>[]) {
  const members = parties.map(({ address: { accountId, deviceId }, registrationId }) => ({
    ...{ accountId, role: 'member' as const },
    devices: [{ deviceId, registrationId }],
  }));
  return { rosterDigest: 'digest', members };
}

function message(text: string): OutboxRow {
  const content = { type: 'text', text } as const;
  const messageId = newMessageId();
  const { body, key } = sealBody({ conversationId, messageId, sender: ann.address }, encodeContent({ content }));
  return { kind: 'message', messageId, conversationId, content, body, key, attempt: 1 };
}

const sending = { type: 'send', id: 1, kind: 'keys', attempt: 1, strategy: 'strict' } as const;
const seal = (text: string, ...to: readonly Pick<SdkParty, 'address' | 'registrationId'>[]) =>
  sealer.seal({ number: 1, row: message(text) }, rosterOf(ann, ...to));
const keyOf = () => ann.store.get(ownSenderKeyTable, conversationId)?.distributionId;
const addressed = ({ parts = [] }: SealedRow) => parts.map(({ envelopes }) => envelopes.map(({ to }) => to.accountId));

/** What a device gets of a row: the keys that are for it, then the message. */
async function arriveAt(party: SdkParty, row: SealedRow): Promise<Received> {
  const keys = (row.parts ?? []).flatMap(({ messageId, envelopes }) =>
    envelopes
      .filter(({ to }) => to.accountId === party.address.accountId)
      .map(({ type, content }) => item({ kind: 'keys', messageId, envelope: { type, content } })),
  );
  if (row.kind !== 'message' || row.envelope === undefined) throw new Error('a sealed message was expected');
  const { messageId, body, envelope } = row;
  return receive(party.store, party.address, [...keys, item({ messageId, body, envelope })], 0);
}

describe('what a device seals for a group', () => {
  test('carries its key to each device once, and opens on all of them', async () => {
    const first = await seal('one', bea, cleo);
    expect(addressed(first)).toEqual([[bea.address.accountId, cleo.address.accountId]]);
    const key = keyOf();
    const second = await seal('two', bea, cleo);
    expect([addressed(second), keyOf()]).toEqual([[], key]);
    for (const party of [bea, cleo]) {
      expect([textsOf((await arriveAt(party, first)).messages), textsOf((await arriveAt(party, second)).messages)]).toEqual([['one'], ['two']]);
    }
  });

  test('is durable before anything leaves the device', async () => {
    const sealed = await seal('one', bea);
    expect(ann.store.get(outboxTable, conversationId, 1)).toEqual(sealed);
  });

  test('carries the same key to whoever is new', async () => {
    await seal('one', bea);
    const key = keyOf();
    const second = await seal('two', bea, cleo);
    expect([addressed(second), keyOf()]).toEqual([[[cleo.address.accountId]], key]);
    expect(textsOf((await arriveAt(cleo, second)).messages)).toEqual(['two']);
  });

  test('opens on a device that does not know the group yet, as one that was just linked', async () => {
    conversationId = v7() as ConversationId;
    await receive(ann.store, ann.address, [event()], 0);
    const first = await seal('one', bea);
    expect(textsOf((await arriveAt(bea, first)).messages)).toEqual(['one']);
    expect(textsOf((await arriveAt(bea, await seal('two', bea))).messages)).toEqual(['two']);
    expect(bea.store.get(conversationTable, conversationId)).toMatchObject({ kind: 'group', version: 0, members: [] });
  });

  test('is under another key when somebody who had it is gone, who cannot open it even if it came', async () => {
    await arriveAt(cleo, await seal('one', bea, cleo));
    const key = keyOf();
    const second = await seal('two', bea);
    expect(addressed(second)).toEqual([[bea.address.accountId]]);
    expect(keyOf()).not.toBe(key);
    expect(textsOf((await arriveAt(bea, second)).messages)).toEqual(['two']);
    expect(textsOf((await arriveAt(cleo, second)).messages)).toEqual(['(undecryptable)']);
  });

  test('is under another key when a device came back with other keys', async () => {
    await seal('one', bea, cleo);
    const key = keyOf();
    const [, , third] = rosterOf(ann, bea, cleo).members;
    const again = { ...rosterOf(ann, bea), members: [...rosterOf(ann, bea).members, { ...third, devices: [{ deviceId: 1, registrationId: 1 }] }] };
    await ann.meet({ ...cleo.bundle(), registrationId: 1 });
    await sealer.seal({ number: 1, row: message('two') }, again as never);
    expect(keyOf()).not.toBe(key);
    await ann.meet(cleo.bundle());
  });

  test('is under another key when somebody came with another identity key, and stays under that one', async () => {
    await seal('one', bea);
    const key = keyOf();
    const again = await SdkParty.create(cleo.address.accountId);
    await again.meet(ann.bundle());
    expect((await ann.open(again, await again.encrypt(ann, 'new phone'))).identityChanged).toBe(true);
    const second = await seal('two', bea);
    expect(keyOf()).not.toBe(key);
    expect(textsOf((await arriveAt(bea, second)).messages)).toEqual(['two']);
    expect([addressed(second), addressed(await seal('three', bea))]).toEqual([[[bea.address.accountId]], []]);
    await again.dispose();
    await ann.meet(cleo.bundle());
  });

  test('carries its key to many devices in parts that a frame can hold', async () => {
    const crowd = await SdkParty.create();
    const bundles = Array.from({ length: 128 }, () => ({ ...crowd.bundle(), device: { ...crowd.address, accountId: newAccountId() } }));
    for (const bundle of bundles) await ann.meet(bundle);
    const strangers = bundles.map(({ device: address, registrationId }) => ({ address, registrationId }));
    const sealed = await seal('to all', bea, ...strangers, cleo);
    expect((sealed.parts ?? []).map(({ envelopes }) => envelopes.length)).toEqual([100, 30]);
    for (const { messageId, envelopes } of sealed.parts ?? []) {
      const frame = { ...{ conversationId, messageId, rosterDigest: 'digest', envelopes: [...envelopes] }, ...sending };
      expect(encodings.msgpack.encode(frame).length).toBeLessThan(limits.maxFrameBytes);
    }
    for (const party of [bea, cleo]) expect(textsOf((await arriveAt(party, sealed)).messages)).toEqual(['to all']);
    await crowd.dispose();
  });

  test('is sealed anew when its key was refused: under another one if somebody went, for the same devices if they are back', async () => {
    const first = await seal('one', bea, cleo);
    const key = keyOf();
    const back = await sealer.seal({ number: 1, row: first }, rosterOf(ann, bea, cleo));
    expect([back.parts, keyOf()]).toEqual([first.parts, key]);
    const without = await sealer.seal({ number: 1, row: first }, rosterOf(ann, bea));
    expect(addressed(without)).toEqual([[bea.address.accountId]]);
    expect(keyOf()).not.toBe(key);
    expect(textsOf((await arriveAt(bea, without)).messages)).toEqual(['one']);
  });

  test('is under another key when the server would not take the key, as of somebody who was removed and comes back', async () => {
    const row = message('refused');
    await sealer.seal({ number: 1, row }, rosterOf(ann, bea));
    await ann.commit((unit) => moveToFailed(unit, { number: 1, row }, 'not_a_member'));
    const next = await seal('back', bea);
    expect(addressed(next)).toEqual([[bea.address.accountId]]);
    expect(textsOf((await arriveAt(bea, next)).messages)).toEqual(['back']);
  });

  test('goes on with the next part when the server has one', async () => {
    const first = await seal('one', bea, cleo);
    expect((await ann.commit((unit) => dropPart(unit, { number: 1, row: first }))).parts).toEqual([]);
    expect(ann.store.get(outboxTable, conversationId, 1)?.parts).toEqual([]);
  });

  test('carries the key again to a device that asked for it', async () => {
    await arriveAt(bea, await seal('one', bea, cleo));
    const note = encodeNote({ type: 'sender-key-wanted', conversationId });
    const envelope = await bea.commit((unit) => encryptTo(unit, bea.address, ann.address, note));
    const received = await receive(ann.store, ann.address, [item({ kind: 'keys', sender: bea.address, envelope })], 0);
    expect(received.answers).toBe(true);
    expect(addressed(await seal('two', bea, cleo))).toEqual([[bea.address.accountId]]);
  });

  test('is asked for by a device that lacks the key, once an hour, and the key of each message once', async () => {
    const [one, two] = [await seal('one', bea), await seal('two', bea)];
    const bare = { ...one, parts: [] };
    const received = await arriveAt(bea, bare);
    expect([textsOf(received.messages), received.answers]).toEqual([['(undecryptable)'], true]);
    expect((await arriveAt(bea, two)).answers).toBe(true);
    const wanted = bea.store.range(outboxTable, [conversationId]).map(({ row }) => (row.kind === 'keys' ? row.note : undefined));
    const ofItsOwn = ({ messageId }: SealedRow) => ({
      type: 'content-key-wanted',
      conversationId,
      messageId,
      position: expect.any(Number) as unknown,
    });
    expect(wanted).toEqual([ofItsOwn(one), { type: 'sender-key-wanted', conversationId }, ofItsOwn(two)]);
  });

  test('is not made of a direct conversation by the server', async () => {
    const direct = directConversationId(ann.address.accountId, bea.address.accountId);
    const forged = { ...event(), conversationId: direct };
    expect((await receive(ann.store, ann.address, [forged], 0)).messages).toEqual([]);
    expect(ann.store.get(conversationTable, direct)).toBeUndefined();
  });
});
