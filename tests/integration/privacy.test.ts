import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 } from 'uuid';

import type { SendFrame } from '../../protocol/client-frames.js';
import type { ConversationId, MessageId } from '../../protocol/ids.js';
import { limits, rateLimits } from '../../protocol/limits.js';
import { historyPage, receiptsView, type ConversationView } from '../../protocol/rest/conversation.js';
import type { ReceiptItem } from '../../protocol/server-frames.js';
import type { Device } from '../../sdk/index.js';
import { eventually } from '../support/eventually.js';
import { newAccountId } from '../support/ids.js';
import { LiveDevices } from '../support/live-devices.js';
import { MemberStage } from '../support/member-stage.js';
import type { RawMember } from '../support/raw-group.js';
import { sharedServer, type RunningServer } from '../support/server.js';
import { untilLimited } from '../support/until-limited.js';

let server: RunningServer;
let stage: MemberStage;
const live = new LiveDevices(() => server.publicUrl);
let requests = 1;

beforeAll(async () => {
  server = await sharedServer();
  stage = new MemberStage(server);
}, 120_000);
afterEach(() => Promise.all([live.end(), stage.disconnect()]));
afterAll(() => stage.close());

/** Connected. */
const account = async (deviceCount?: number) => Promise.all((await stage.account(deviceCount)).map((member) => member.connect()));
const one = async () => (await stage.one()).connect();

const block = (by: RawMember, other: RawMember) => by.ask('PUT', `/accounts/self/blocks/${other.accountId}`);
const unblock = (by: RawMember, other: RawMember) => by.ask('DELETE', `/accounts/self/blocks/${other.accountId}`);
const setPrivacy = (member: RawMember, change: object) =>
  member.ask('PUT', '/accounts/self/privacy', { lastSeen: 'everyone', readReceipts: true, ...change });
const talk = (from: RawMember, to: RawMember) => from.change('POST', '/conversations', { kind: 'direct', peer: to.accountId });

/** A direct message for all these devices. */
async function say(from: RawMember, view: ConversationView, to: readonly RawMember[], changes: Partial<SendFrame> = {}) {
  return from.send(view, { envelope: undefined, envelopes: to.map((member) => member.envelope()), ...changes });
}

async function said(...given: Parameters<typeof say>) {
  const answer = await say(...given);
  if (answer.type !== 'accepted') throw new Error(JSON.stringify(answer));
  return answer;
}

async function historyOf(member: RawMember, { conversationId }: ConversationView, query = ''): Promise<readonly MessageId[]> {
  const page = historyPage.parse((await member.ask('GET', `/conversations/${conversationId}/messages${query}`)).body);
  return page.items.map(({ messageId }) => messageId).reverse();
}

const read = (reader: RawMember, { conversationId }: ConversationView, position: number, ...senders: RawMember[]) =>
  reader.request({ type: 'read', id: ++requests, conversationId, position, senders: senders.map(({ accountId }) => accountId) });

const told = (member: RawMember): readonly ReceiptItem[] => member.frames.flatMap((frame) => (frame.type === 'receipts' ? frame.items : []));
const toldRead = (member: RawMember, of: RawMember) =>
  told(member).flatMap(({ accountId, readPosition }) => (accountId === of.accountId && readPosition !== undefined ? [readPosition] : []));

/** What the server answers when it is asked, by both doors. */
async function askedRead(member: RawMember, { conversationId }: ConversationView, of: RawMember): Promise<readonly (number | undefined)[]> {
  const rest = receiptsView.parse((await member.ask('GET', `/conversations/${conversationId}/receipts`)).body).items;
  const reply = await member.request({ type: 'receipts.get', id: ++requests, conversations: [conversationId] });
  const socket = reply.type === 'ok' ? (reply.items ?? []) : [];
  const position = (items: readonly ReceiptItem[]) => items.find(({ accountId }) => accountId === of.accountId)?.readPosition;
  return [position(rest), position(socket)];
}

describe('privacy settings', () => {
  test('are open at first, are kept as a whole, and are shown to the account alone', async () => {
    const [ann, bea] = [await one(), await one()];
    expect((await ann.ask('GET', '/accounts/self')).body).toMatchObject({
      accountId: ann.accountId,
      privacy: { lastSeen: 'everyone', readReceipts: true },
    });
    const wanted = { lastSeen: 'contacts', readReceipts: false };
    expect(await ann.ask('PUT', '/accounts/self/privacy', wanted)).toEqual({ status: 200, body: wanted });
    expect((await ann.ask('GET', '/accounts/self')).body).toMatchObject({ privacy: wanted });
    expect((await bea.ask('GET', `/accounts/${ann.accountId}`)).body).not.toHaveProperty('privacy');
    expect(await ann.ask('PUT', '/accounts/self/privacy', { lastSeen: 'friends', readReceipts: true })).toMatchObject({
      body: { code: 'invalid_request', facts: { field: 'lastSeen' } },
    });
    expect(await ann.refusal('PUT', '/accounts/self/privacy', { lastSeen: 'nobody' })).toBe('invalid_request');
  });

  test('may be changed so often, and no more', async () => {
    const ann = await one();
    const limited = await untilLimited(
      rateLimits.privacyChange,
      () => setPrivacy(ann, {}),
      ({ status }) => status !== 200,
    );
    expect(limited.status).toBe(429);
  });
});

describe('read receipts', () => {
  test.each(['the reader', 'the sender'] as const)('are hidden in both directions once %s turned them off; delivery is told', async (who) => {
    const [ann, bea] = [await one(), await one()];
    const view = await talk(ann, bea);
    await setPrivacy(who === 'the reader' ? bea : ann, { readReceipts: false });
    const fromAnn = await said(ann, view, [bea]);
    const fromBea = await said(bea, view, [ann]);
    await eventually(() => {
      expect(told(ann).some(({ deliveredPosition = 0 }) => deliveredPosition >= fromAnn.position)).toBe(true);
      expect(told(bea).some(({ deliveredPosition = 0 }) => deliveredPosition >= fromBea.position)).toBe(true);
    });
    expect(await read(bea, view, fromAnn.position, ann)).toMatchObject({ type: 'ok' });
    expect(await read(ann, view, fromBea.position, bea)).toMatchObject({ type: 'ok' });
    await eventually(async () => {
      expect(await askedRead(ann, view, ann)).toEqual([fromBea.position, fromBea.position]);
      expect(await askedRead(bea, view, bea)).toEqual([fromAnn.position, fromAnn.position]);
    });
    expect([await askedRead(ann, view, bea), await askedRead(bea, view, ann)]).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ]);
    expect([toldRead(ann, bea), toldRead(bea, ann)]).toEqual([[], []]);
  });

  test('that are off are told to the reader’s own devices, and to everybody once they are on again', async () => {
    const [ann, [phone, laptop]] = [await one(), (await account(2)) as [RawMember, RawMember]];
    const view = await talk(ann, phone);
    await setPrivacy(phone, { readReceipts: false });
    const first = await said(ann, view, [phone, laptop]);
    await read(phone, view, first.position, ann);
    await eventually(() => expect(toldRead(laptop, phone)).toEqual([first.position]));
    expect(toldRead(ann, phone)).toEqual([]);
    await setPrivacy(phone, { readReceipts: true });
    const second = await said(ann, view, [phone, laptop]);
    await read(phone, view, second.position, ann);
    await eventually(() => expect(toldRead(ann, phone)).toEqual([second.position]));
  });

  test('are told to those who are there, whoever of the senders went meanwhile', async () => {
    const [ann, bea, cleo] = [await one(), await one(), await one()];
    const wish = { kind: 'group', conversationId: v7() as ConversationId, members: [bea.accountId, cleo.accountId] };
    const view = await ann.change('POST', '/conversations', wish);
    const sent = await ann.send(view);
    if (sent.type !== 'accepted') throw new Error(JSON.stringify(sent));
    await ann.ask('DELETE', `/conversations/${view.conversationId}/members/${cleo.accountId}`);
    expect(await read(bea, view, sent.position, cleo, ann)).toMatchObject({ type: 'ok' });
    await eventually(() => expect(toldRead(ann, bea)).toEqual([sent.position]));
    expect(toldRead(cleo, bea)).toEqual([]);
  });

  test('of a group follow the same switch', async () => {
    const [ann, bea, cleo] = [await one(), await one(), await one()];
    const wish = { kind: 'group', conversationId: v7() as ConversationId, members: [bea.accountId, cleo.accountId] };
    const view = await ann.change('POST', '/conversations', wish);
    await setPrivacy(bea, { readReceipts: false });
    const sent = await ann.send(view);
    if (sent.type !== 'accepted') throw new Error(JSON.stringify(sent));
    await Promise.all([read(bea, view, sent.position, ann), read(cleo, view, sent.position, ann)]);
    await eventually(() => expect(toldRead(ann, cleo)).toEqual([sent.position]));
    await eventually(async () => expect(await askedRead(bea, view, bea)).toEqual([sent.position, sent.position]));
    expect([toldRead(ann, bea), await askedRead(ann, view, bea), await askedRead(bea, view, cleo)]).toEqual([
      [],
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });
});

describe('a block', () => {
  test('keeps what is sent with the sender’s own devices, and shows in nothing that the sender sees', async () => {
    const [[phone, laptop], bob] = [(await account(2)) as [RawMember, RawMember], await one()];
    const view = await talk(phone, bob);
    const before = await said(phone, view, [laptop, bob]);
    await eventually(() => expect(bob.messages).toEqual([before.messageId]));
    expect((await block(bob, phone)).status).toBe(204);
    const hidden = await said(phone, view, [laptop, bob]);
    expect(hidden.position).toBeGreaterThan(before.position);
    expect(Object.keys(hidden).sort()).toEqual(Object.keys(before).sort());
    await eventually(() => expect(laptop.messages).toEqual([before.messageId, hidden.messageId]));
    await eventually(async () => expect(await historyOf(phone, view)).toEqual([before.messageId, hidden.messageId]));
    expect(await historyOf(bob, view)).toEqual([before.messageId]);
    expect(await historyOf(bob, view, `?after=${before.position}`)).toEqual([]);
    await unblock(bob, phone);
    const after = await said(phone, view, [laptop, bob]);
    await eventually(() => expect(bob.messages).toEqual([before.messageId, after.messageId]));
    await eventually(async () => expect(await historyOf(bob, view)).toEqual([before.messageId, after.messageId]));
    expect(await historyOf(laptop, view)).toEqual([before.messageId, hidden.messageId, after.messageId]);
  });

  test('queues nothing for whoever was away, and gives a retry its first answer', async () => {
    const [ann, bob] = [await one(), await one()];
    const view = await talk(ann, bob);
    await block(bob, ann);
    await bob.disconnect();
    const messageId = v7() as MessageId;
    const content = { messageId, body: Buffer.from('sealed') };
    const first = await said(ann, view, [bob], content);
    const again = await said(ann, view, [bob], { ...content, attempt: 2 });
    expect(again.position).toBe(first.position);
    await unblock(bob, ann);
    const later = await said(ann, view, [bob]);
    await bob.connect();
    await eventually(() => expect(bob.messages).toEqual([later.messageId]));
    expect(told(ann).filter(({ deliveredPosition = 0 }) => deliveredPosition < later.position)).toEqual([]);
  });

  test('refuses what the blocker sends, and lets no read state out', async () => {
    const [ann, bob] = [await one(), await one()];
    const view = await talk(ann, bob);
    const sent = await said(ann, view, [bob]);
    await eventually(() => expect(bob.messages).toHaveLength(1));
    await block(bob, ann);
    expect(await say(bob, view, [ann])).toMatchObject({ type: 'error', code: 'blocked' });
    await read(bob, view, sent.position, ann);
    await eventually(async () => expect(await askedRead(bob, view, bob)).toEqual([sent.position, sent.position]));
    expect([toldRead(ann, bob), await askedRead(ann, view, bob)]).toEqual([[], [undefined, undefined]]);
    await unblock(bob, ann);
    expect(await say(bob, view, [ann])).toMatchObject({ type: 'accepted' });
  });

  test('is not for groups', async () => {
    const [ann, bob] = [await one(), await one()];
    await block(bob, ann);
    const wish = { kind: 'group', conversationId: v7() as ConversationId, members: [bob.accountId] };
    const view = await ann.change('POST', '/conversations', wish);
    await ann.send(view);
    await bob.send(view);
    await eventually(() => expect([ann.messages.length, bob.messages.length]).toEqual([1, 1]));
  });

  test('is listed to the blocker alone, may be repeated, and has a limit', async () => {
    const [ann, bob] = [await one(), await one()];
    expect([(await block(ann, bob)).status, (await block(ann, bob)).status]).toEqual([204, 204]);
    const listOf = async (member: RawMember) => ((await member.ask('GET', '/accounts/self/blocks')).body as { items: unknown[] }).items;
    expect(await listOf(ann)).toEqual([{ accountId: bob.accountId, blockedAtMs: expect.any(Number) }]);
    expect(await listOf(bob)).toEqual([]);
    expect([(await unblock(ann, bob)).status, (await unblock(ann, bob)).status]).toEqual([204, 204]);
    expect(await listOf(ann)).toEqual([]);
    expect(await ann.refusal('PUT', `/accounts/self/blocks/${newAccountId()}`)).toBe('not_found');
    expect(await ann.refusal('PUT', `/accounts/self/blocks/${ann.accountId}`)).toBe('invalid_request');
    const crowd = await stage.registered.many(limits.maxBlocks);
    for (const { accountId } of crowd) await stage.registered.directory.privacy.block(ann.accountId, accountId as never, Date.now());
    expect(await ann.ask('PUT', `/accounts/self/blocks/${bob.accountId}`)).toMatchObject({
      body: { code: 'too_large', facts: { limit: limits.maxBlocks } },
    });
  }, 60_000);
});

describe('devices of the SDK', () => {
  const person = () => live.open(live.directory(), live.handle());
  const textsOf = (device: Device, conversationId: ConversationId) =>
    device.messages(conversationId).map(({ content }) => (content.type === 'text' ? content.text : `(${content.type})`));
  const write = (device: Device, conversationId: ConversationId, text: string) => device.send(conversationId, { type: 'text', text });

  test('block and unblock: what was sent meanwhile never comes, what is sent later opens', async () => {
    const [ann, bob] = [await person(), await person()];
    const { conversationId } = await ann.conversationWith(bob.handle);
    await write(ann, conversationId, 'before');
    await eventually(() => expect(textsOf(bob, conversationId)).toEqual(['before']));
    await bob.block(ann.accountId);
    expect(await bob.blocked()).toEqual([ann.accountId]);
    for (let count = 0; count < 5; count += 1) await write(ann, conversationId, 'hidden');
    await ann.idle();
    const refused = await write(bob, conversationId, 'may I?');
    await bob.idle();
    const kept = bob.messages(conversationId).find(({ messageId }) => messageId === refused.messageId);
    expect(kept).toMatchObject({ state: 'failed', failure: 'blocked' });
    await bob.unblock(ann.accountId);
    expect(await bob.blocked()).toEqual([]);
    await write(ann, conversationId, 'after');
    await eventually(() => expect(textsOf(bob, conversationId).filter((text) => text !== 'may I?')).toEqual(['before', 'after']));
    await write(bob, conversationId, 'hello again');
    await eventually(() => expect(textsOf(ann, conversationId)).toContain('hello again'));
    const shown = ['before', 'after', 'hello again'].map((text) => ({ type: 'text', text }));
    await eventually(async () => expect((await bob.history(conversationId)).map(({ content }) => content).reverse()).toEqual(shown));
  });

  test('turn their read receipts off and on, one setting at a time', async () => {
    const [ann, bob] = [await person(), await person()];
    expect(await bob.setPrivacy({ readReceipts: false })).toEqual({ lastSeen: 'everyone', readReceipts: false });
    expect(await bob.setPrivacy({ lastSeen: 'nobody' })).toEqual({ lastSeen: 'nobody', readReceipts: false });
    expect(await bob.privacy()).toEqual({ lastSeen: 'nobody', readReceipts: false });
    const { conversationId } = await ann.conversationWith(bob.handle);
    await write(ann, conversationId, 'one');
    await eventually(() => expect(textsOf(bob, conversationId)).toEqual(['one']));
    await bob.markRead(conversationId);
    await bob.idle();
    await eventually(() => expect(ann.messages(conversationId)).toMatchObject([{ state: 'delivered' }]));
    await bob.setPrivacy({ readReceipts: true });
    await write(ann, conversationId, 'two');
    await eventually(() => expect(textsOf(bob, conversationId)).toHaveLength(2));
    await bob.markRead(conversationId);
    await eventually(() => expect(ann.messages(conversationId).at(-1)).toMatchObject({ state: 'read' }));
  });
});
