import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { MemberRole } from '../../protocol/conversation-event.js';
import type { ConversationId, DeviceAddress, Position } from '../../protocol/ids.js';
import type { ChannelView } from '../../protocol/rest/channel.js';
import { changeChannelRow, channelRowOf, hasPresentKey, newestKey, putEpochKey, takeView } from '../../sdk/channels/channel-rows.js';
import { channelKeyTable, keyAskTable, offeredKeyTable } from '../../sdk/channels/channel-tables.js';
import { giveWantedKey, takeChannelNote } from '../../sdk/channels/key-exchange.js';
import { newEpochKey, sealKeyring, type EpochKey } from '../../sdk/channels/keyring.js';
import { sealPost } from '../../sdk/channels/post-seal.js';
import { receivePosts } from '../../sdk/channels/receive-posts.js';
import { sealBody } from '../../sdk/encryption/body-seal.js';
import { encodeContent } from '../../sdk/encryption/content.js';
import { ownIdentityOf } from '../../sdk/encryption/signal-stores.js';
import { messageTable, outboxTable } from '../../sdk/messages/message-tables.js';
import { deviceNumber, newAccountId, newChannelId, newMessageId } from '../support/ids.js';
import { SdkParty } from '../support/sdk-party.js';

let reader: SdkParty;
let admin: SdkParty;
let conversationId: ConversationId;

beforeEach(async () => {
  [reader, admin] = await Promise.all([SdkParty.create(), SdkParty.create()]);
  conversationId = newChannelId();
});
afterEach(() => Promise.all([reader.dispose(), admin.dispose()]));

const keys: readonly EpochKey[] = [1, 2, 3].map((epoch) => ({ epoch, key: newEpochKey() }));
const keyOf = (epoch: number): EpochKey => keys[epoch - 1] ?? { epoch, key: newEpochKey() };

function view(epoch: number, role: MemberRole = 'member'): ChannelView {
  const keyring = sealKeyring(conversationId, keyOf(epoch), keys.slice(0, epoch - 1));
  return { conversationId, createdAtMs: 1, title: Buffer.from('?'), version: epoch, role, memberCount: 2, epoch, keyring };
}

/** A post of the admin as history has it. */
function post(position: Position, epoch: number, text = `at ${position}`, key = keyOf(epoch)) {
  const messageId = newMessageId();
  const place = { conversationId, messageId, sender: admin.address };
  const sealed = sealBody(place, encodeContent({ content: { type: 'text', text } }));
  const body = sealPost(place, sealed, key, ownIdentityOf(admin.store).privateKey);
  return { ...place, position, kind: 'message' as const, acceptedAtMs: Date.now(), body };
}

const know = (of: ChannelView, ...known: EpochKey[]) =>
  reader.commit((unit) => {
    takeView(unit, of);
    for (const key of known) putEpochKey(unit, conversationId, key);
  });
const pull = (items: ReturnType<typeof post>[], upTo = items.at(-1)?.position ?? 0) =>
  receivePosts(
    reader.store,
    reader.address,
    { conversationId, items, upTo, signers: new Map([[admin.address.accountId, admin.identityKey]]) },
    Date.now(),
  );
const texts = () =>
  reader.store.range(messageTable, [conversationId]).map(({ row: { content } }) => (content.type === 'text' ? content.text : content.type));
const row = () => channelRowOf(reader.store, conversationId);

describe('the newest key of a channel', () => {
  test('opens all before it, and none behind it', async () => {
    await know(view(3), keyOf(3));
    expect([1, 2].map((epoch) => reader.store.get(channelKeyTable, conversationId, epoch))).toEqual([keyOf(1).key, keyOf(2).key]);
    await know(view(1), keyOf(1));
    expect(newestKey(reader.store, conversationId)?.epoch).toBe(3);
  });

  test('is not replaced by another one of its time', async () => {
    await know(view(1), keyOf(1), { epoch: 1, key: newEpochKey() });
    expect(newestKey(reader.store, conversationId)).toEqual(keyOf(1));
  });
});

describe('posts that were pulled', () => {
  test('are kept once each up to the first whose key is to come, and from there when it came', async () => {
    await know(view(2), keyOf(1));
    const items = [post(5, 1), post(7, 2), post(8, 1), post(9, 2)];
    expect(await pull(items)).toMatchObject({ messages: [{ position: 5 }], waitsFor: admin.address });
    expect([texts(), row()?.pulledTo, row()?.waitsForKey]).toEqual([['at 5'], 6, true]);
    await reader.commit((unit) => putEpochKey(unit, conversationId, keyOf(2)));
    // Whoever looks now is not told that everything is here.
    expect(row()?.waitsForKey).toBe(true);
    const rest = await pull(items, 12);
    expect(rest.messages.map(({ position }) => position)).toEqual([7, 8, 9]);
    expect(await pull(items, 12)).toMatchObject({ messages: [], changes: [], undecryptable: [] });
    expect([texts(), row()?.pulledTo, row()?.waitsForKey]).toEqual([['at 5', 'at 7', 'at 8', 'at 9'], 12, false]);
  });

  test('do not wait for a key that the server does not know of, nor for one that is not theirs', async () => {
    await know(view(1), keyOf(1));
    const received = await pull([post(5, 9), post(6, 1, 'forged', { epoch: 1, key: newEpochKey() }), post(7, 1)]);
    expect(texts()).toEqual(['undecryptable', 'undecryptable', 'at 7']);
    expect(received.undecryptable.map(({ message }) => message.position)).toEqual([5, 6]);
    expect(received.waitsFor).toBeUndefined();
  });

  test('of this device itself are left to the answer that accepts them', async () => {
    await know(view(1, 'owner'), keyOf(1));
    const own = { ...post(5, 1), sender: reader.address };
    expect(await pull([own, post(6, 1)])).toMatchObject({ messages: [{ position: 6 }] });
    expect(row()?.pulledTo).toBe(6);
  });
});

describe('a key in a note', () => {
  const note = (epoch: number) => ({ type: 'channel-key', conversationId, ...keyOf(epoch) }) as const;
  const take = (from: DeviceAddress, epoch = 1) => reader.commit((unit) => takeChannelNote(unit, note(epoch), from, reader.address));

  test("counts from one's own devices, also of a channel that is not known here", async () => {
    expect(await take({ ...reader.address, deviceId: deviceNumber(2) })).toBe('channel-key');
    expect(newestKey(reader.store, conversationId)).toEqual(keyOf(1));
  });

  test("that is here tells by one's own devices that the account joined again: the channel is looked at as if it were new, until the server answered", async () => {
    const other = { ...reader.address, deviceId: deviceNumber(2) };
    await know(view(1), keyOf(1));
    await reader.commit((unit) => changeChannelRow(unit, conversationId, { role: undefined }));
    expect(await take(admin.address)).toBeUndefined();
    expect(row()?.version).toBe(1);
    expect(await take(other)).toBe('channel-key');
    expect(row()).toMatchObject({ version: 0, keyEpoch: 1 });
    await know(view(1));
    expect(row()).toMatchObject({ version: 1, role: 'member' });
    expect(await take(other)).toBe('channel-key');
    expect(row()?.version).toBe(1);
  });

  test('counts from whoever offers it if it opens the ring that the server has with it, now or at the next look', async () => {
    await know(view(1), keyOf(1));
    expect(await take(admin.address, 2)).toBe('channel-key');
    expect(newestKey(reader.store, conversationId)).toEqual(keyOf(1));
    await know(view(2));
    expect(newestKey(reader.store, conversationId)).toEqual(keyOf(2));
    expect(reader.store.get(offeredKeyTable, conversationId)).toBeUndefined();
  });

  test('counts for nothing if it opens another ring, or none, whoever offers it', async () => {
    await know(view(1), keyOf(1));
    const forged = { type: 'channel-key', conversationId, epoch: 2, key: newEpochKey() } as const;
    await reader.commit((unit) => takeChannelNote(unit, forged, admin.address, reader.address));
    await know(view(2));
    const now = row();
    expect(now !== undefined && hasPresentKey(now)).toBe(false);
    expect(reader.store.get(offeredKeyTable, conversationId)).toBeUndefined();
    expect(await take(admin.address, 1)).toBeUndefined();
  });

  test('is nothing to whoever is not in the channel', async () => {
    expect(await take(admin.address)).toBeUndefined();
    await reader.commit((unit) => changeChannelRow(unit, conversationId, { role: undefined }));
    expect(await take(admin.address)).toBeUndefined();
  });

  test('counts from whoever was asked', async () => {
    await know(view(1));
    await reader.commit((unit) => {
      unit.put(keyAskTable, [conversationId], { askedAtMs: 1, times: 1, asked: [newAccountId()] });
    });
    expect(newestKey(reader.store, conversationId)).toBeUndefined();
    await reader.commit((unit) => {
      unit.put(keyAskTable, [conversationId], { askedAtMs: 1, times: 2, asked: [admin.address.accountId] });
    });
    expect(await take(admin.address)).toBe('channel-key');
    const now = row();
    expect(now !== undefined && hasPresentKey(now)).toBe(true);
    // Asked for once, it is not taken again before the server knows of it.
    await take(admin.address, 2);
    expect(newestKey(reader.store, conversationId)).toEqual(keyOf(1));
  });
});

describe('a question for the key', () => {
  const ask = (from: DeviceAddress) =>
    reader.commit((unit) => takeChannelNote(unit, { type: 'channel-key-wanted', conversationId }, from, reader.address));
  const answers = () =>
    reader.store.range(outboxTable, [conversationId]).map(({ row: queued }) => (queued.kind === 'keys' ? [queued.to, queued.note] : []));

  test('is answered to everybody by owner and admins, who let the server say whether they are members', async () => {
    await know(view(2, 'admin'), keyOf(2));
    const member = { accountId: newAccountId(), deviceId: deviceNumber(1) };
    expect(await ask(member)).toBe('asks');
    expect(answers()).toEqual([[member, { type: 'channel-key', conversationId, ...keyOf(2) }]]);
  });

  test('is answered once while the answer waits, and again when that has gone', async () => {
    await know(view(2, 'admin'), keyOf(2));
    const member = { accountId: newAccountId(), deviceId: deviceNumber(1) };
    expect([await ask(member), await ask(member), await ask({ ...member, deviceId: deviceNumber(2) })]).toEqual(['asks', undefined, 'asks']);
    expect(answers()).toHaveLength(2);
    await reader.commit((unit) => {
      for (const { key } of reader.store.range(outboxTable, [conversationId])) unit.remove(outboxTable, ...key);
    });
    expect(await ask(member)).toBe('asks');
  });

  test("is answered to one's own devices by members, and to nobody else", async () => {
    await know(view(1), keyOf(1));
    expect(await ask({ accountId: newAccountId(), deviceId: deviceNumber(1) })).toBeUndefined();
    expect(await ask({ ...reader.address, deviceId: deviceNumber(3) })).toBe('asks');
    expect(answers()).toHaveLength(1);
  });

  test("is not answered without a key; one's own device gets it when it came", async () => {
    await know(view(1, 'owner'));
    const own = { ...reader.address, deviceId: deviceNumber(3) };
    const give = () => reader.commit((unit) => giveWantedKey(unit, reader.store, conversationId));
    expect([await ask(own), await ask({ accountId: newAccountId(), deviceId: deviceNumber(1) })]).toEqual([undefined, undefined]);
    await give();
    expect(answers()).toEqual([]);
    await know(view(1, 'owner'), keyOf(1));
    await give();
    await give();
    expect(answers()).toEqual([[own, { type: 'channel-key', conversationId, ...keyOf(1) }]]);
  });
});
