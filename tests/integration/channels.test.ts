import { randomBytes } from 'node:crypto';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 } from 'uuid';

import { fillChannel } from '../../bench/channels/fill-channel.js';
import type { ConversationId, MessageId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import { channelView, type ChannelView } from '../../protocol/rest/channel.js';
import { historyPage, invite as inviteSchema } from '../../protocol/rest/conversation.js';
import type { ChannelHead } from '../../protocol/server-frames.js';
import { eventually } from '../support/eventually.js';
import { newChannelId } from '../support/ids.js';
import { MemberStage } from '../support/member-stage.js';
import type { RawMember } from '../support/raw-group.js';
import { sharedServer } from '../support/server.js';

let stage: MemberStage;
let requests = 0;

beforeAll(async () => {
  stage = new MemberStage(await sharedServer());
}, 120_000);
afterEach(() => stage.disconnect());
afterAll(() => stage.close());

async function founded(owner: RawMember): Promise<ChannelView> {
  const body = { conversationId: newChannelId(), title: randomBytes(40), keyring: randomBytes(30) };
  const answer = await owner.ask('POST', '/channels', body);
  expect(answer.status).toBe(201);
  return channelView.parse(answer.body);
}

async function joined(channel: ChannelView, owner: RawMember, members: readonly RawMember[]): Promise<void> {
  const { secret } = inviteSchema.parse((await owner.ask('POST', `/channels/${channel.conversationId}/invite`, { lifetimeMs: 60_000 })).body);
  for (const member of members)
    expect(await member.ask('POST', '/channel-invites', { secret })).toMatchObject({ status: 200, body: { role: 'member' } });
}

function post(
  { conversationId, epoch }: Pick<ChannelView, 'conversationId' | 'epoch'>,
  by: RawMember,
  changes: Parameters<RawMember['send']>[1] = {},
) {
  return by.send({ conversationId, rosterDigest: `${epoch}` }, { envelope: undefined, ...changes });
}

const watch = (member: RawMember, conversations: readonly ConversationId[]) =>
  member.request({ type: 'channels.watch', id: ++requests, conversations: [...conversations] });

async function headsOf(member: RawMember, conversations: readonly ConversationId[]): Promise<readonly ChannelHead[]> {
  const answer = await watch(member, conversations);
  if (answer.type !== 'ok') throw new Error(JSON.stringify(answer));
  return answer.heads ?? [];
}

const headsTold = (member: RawMember) => member.frames.flatMap((frame) => (frame.type === 'channel.head' ? [frame] : []));

async function history(member: RawMember, { conversationId }: Pick<ChannelView, 'conversationId'>, query = ''): Promise<readonly MessageId[]> {
  const page = historyPage.parse((await member.ask('GET', `/conversations/${conversationId}/messages?limit=100${query}`)).body);
  return page.items.filter(({ kind }) => kind === 'message').map(({ messageId }) => messageId);
}

describe('a channel in frames and REST', () => {
  test('tells those who watch how far it is, in few frames, and what was posted before in the answer', async () => {
    const [ann, bea, cleo] = await Promise.all([stage.one(), stage.one(), stage.one()]);
    await Promise.all([ann, bea, cleo].map((member) => member.connect()));
    const channel = await founded(ann);
    await joined(channel, ann, [bea, cleo]);
    const first = await post(channel, ann);
    if (first.type !== 'accepted') throw new Error(JSON.stringify(first));
    expect(await headsOf(bea, [channel.conversationId])).toEqual([{ conversationId: channel.conversationId, position: first.position }]);
    const sent = await Promise.all(Array.from({ length: 40 }, () => post(channel, ann)));
    const last = Math.max(...sent.map((answer) => (answer.type === 'accepted' ? answer.position : 0)));
    await eventually(() => expect(headsTold(bea).at(-1)).toMatchObject({ conversationId: channel.conversationId, position: last }));
    expect(headsTold(bea).length).toBeLessThan(20);
    const positions = headsTold(bea).map(({ position }) => position);
    expect(positions).toEqual([...positions].sort((one, other) => one - other));
    // A head is told when everything up to it can be read.
    expect(await history(bea, channel)).toHaveLength(41);
    expect([headsTold(cleo), cleo.items, bea.items, ann.items]).toEqual([[], [], [], []]);
  });

  test('is watched instead of what was watched before, until the account is out of it', async () => {
    const [ann, bea] = await Promise.all([stage.one(), stage.one()]);
    await Promise.all([ann, bea].map((member) => member.connect()));
    const [one, two] = [await founded(ann), await founded(ann)];
    for (const channel of [one, two]) await joined(channel, ann, [bea]);
    await headsOf(bea, [one.conversationId]);
    await headsOf(bea, [two.conversationId]);
    await post(one, ann);
    await post(two, ann);
    await eventually(() => expect(headsTold(bea).map(({ conversationId }) => conversationId)).toContain(two.conversationId));
    expect(headsTold(bea).every(({ conversationId }) => conversationId === two.conversationId)).toBe(true);
    expect((await ann.ask('DELETE', `/channels/${two.conversationId}/members/${bea.accountId}`)).status).toBe(204);
    expect(await watch(bea, [two.conversationId])).toMatchObject({
      type: 'error',
      code: 'not_a_member',
      detail: { conversationId: two.conversationId },
    });
    const told = headsTold(bea).length;
    await post(two, ann);
    await headsOf(bea, [one.conversationId]);
    await post(one, ann);
    await eventually(() => expect(headsTold(bea).at(-1)?.conversationId).toBe(one.conversationId));
    expect(
      headsTold(bea)
        .slice(told)
        .every(({ conversationId }) => conversationId === one.conversationId),
    ).toBe(true);
    expect(await bea.refusal('GET', `/conversations/${two.conversationId}/messages`)).toBe('not_a_member');
    expect(await headsOf(bea, [])).toEqual([]);
  });

  test('takes what it can hold: a body alone, under the key that counts, of owner and admins', async () => {
    const [ann, bea, eve] = await Promise.all([stage.one(), stage.one(), stage.one()]);
    await Promise.all([ann, bea, eve].map((member) => member.connect()));
    const channel = await founded(ann);
    await joined(channel, ann, [bea]);
    expect(await post(channel, bea)).toMatchObject({ type: 'error', code: 'forbidden' });
    expect(await post(channel, eve)).toMatchObject({ type: 'error', code: 'not_a_member' });
    expect(await post({ ...channel, conversationId: newChannelId() }, ann)).toMatchObject({ type: 'error', code: 'not_a_member' });
    expect(await post({ ...channel, epoch: 2 }, ann)).toMatchObject({ type: 'error', code: 'roster_mismatch', detail: { rosterDigest: '1' } });
    expect(await post(channel, ann, { body: undefined })).toMatchObject({ code: 'invalid_frame', detail: { field: 'body' } });
    expect(await post(channel, ann, { envelopes: [bea.envelope()] })).toMatchObject({ code: 'invalid_frame', detail: { field: 'envelopes' } });
    expect(await post(channel, ann, { envelope: { type: 7, content: randomBytes(10) } })).toMatchObject({
      code: 'invalid_frame',
      detail: { field: 'envelope' },
    });
    const messageId = v7() as MessageId;
    const body = randomBytes(300);
    const first = await post(channel, ann, { messageId, body });
    const again = await post(channel, ann, { messageId, body, attempt: 2 });
    expect(again).toMatchObject({ type: 'accepted', position: first.type === 'accepted' ? first.position : -1 });
    expect(await post(channel, ann, { messageId, attempt: 2 })).toMatchObject({ type: 'error', code: 'message_conflict' });
    expect(await history(bea, channel)).toEqual([messageId]);
  });

  test('carries keys from member to member, for nobody else, and to whom a member may not know', async () => {
    const [ann, bea, cleo, eve] = await Promise.all([stage.one(), stage.one(), stage.one(), stage.one()]);
    await Promise.all([ann, bea, cleo, eve].map((member) => member.connect()));
    const channel = await founded(ann);
    await joined(channel, ann, [bea, cleo]);
    const keys = (by: RawMember, envelopes: ReturnType<RawMember['envelope']>[]) => post(channel, by, { kind: 'keys', body: undefined, envelopes });
    expect(await keys(bea, [ann.envelope()])).toMatchObject({ type: 'accepted' });
    expect(await keys(ann, [bea.envelope()])).toMatchObject({ type: 'accepted' });
    await eventually(() => expect([ann, bea].map(({ items }) => items.map(({ kind }) => kind))).toEqual([['keys'], ['keys']]));
    expect(await keys(bea, [cleo.envelope()])).toMatchObject({ type: 'error', code: 'not_found', detail: { field: 'envelopes' } });
    expect(await keys(ann, [eve.envelope()])).toMatchObject({ type: 'error', code: 'not_found' });
    expect(await keys(eve, [ann.envelope()])).toMatchObject({ type: 'error', code: 'not_a_member' });
    expect(await keys(ann, [])).toMatchObject({ code: 'invalid_frame', detail: { field: 'envelopes' } });
    expect(await keys(ann, [bea.envelope(), cleo.envelope()])).toMatchObject({ code: 'invalid_frame', detail: { field: 'envelopes' } });
    const stale = { ...bea.envelope(), to: { ...bea.envelope().to, registrationId: 99 } };
    expect(await keys(ann, [stale])).toMatchObject({ type: 'error', code: 'roster_mismatch' });
  });

  test('keeps how far a member read for its own devices alone', async () => {
    const [[bea, tablet], [ann]] = (await Promise.all([stage.account(2), stage.account()])) as [[RawMember, RawMember], [RawMember]];
    await Promise.all([ann, bea, tablet].map((member) => member.connect()));
    const channel = await founded(ann);
    await joined(channel, ann, [bea]);
    const sent = await post(channel, ann);
    const position = sent.type === 'accepted' ? sent.position : -1;
    const read = (senders: RawMember[]) =>
      bea.request({
        type: 'read',
        id: ++requests,
        conversationId: channel.conversationId,
        position,
        senders: senders.map(({ accountId }) => accountId),
      });
    expect(await read([ann])).toMatchObject({ type: 'error', code: 'invalid_frame', detail: { field: 'senders' } });
    expect(await read([])).toMatchObject({ type: 'ok' });
    const item = { conversationId: channel.conversationId, accountId: bea.accountId, deviceId: 1, readPosition: position };
    await eventually(() => expect(tablet.frames).toContainEqual({ type: 'receipts', items: [item] }));
    const asked = (member: RawMember) => member.request({ type: 'receipts.get', id: ++requests, conversations: [channel.conversationId] });
    await eventually(async () => expect(await asked(tablet)).toMatchObject({ type: 'ok', items: [item] }));
    expect(await asked(ann)).toMatchObject({ type: 'ok', items: [] });
    expect((await bea.ask('GET', `/conversations/${channel.conversationId}/receipts`)).body).toEqual({ items: [item] });
    expect(ann.frames.filter(({ type }) => type === 'receipts')).toEqual([]);
  });

  test('refuses what is no channel, names the field, and goes on', async () => {
    const [ann, bea] = await Promise.all([stage.one(), stage.one()]);
    await Promise.all([ann, bea].map((member) => member.connect()));
    const channel = await founded(ann);
    const path = `/channels/${channel.conversationId}`;
    const title = randomBytes(10);
    expect(await ann.ask('POST', '/channels', { conversationId: v7(), title, keyring: title })).toMatchObject({
      status: 400,
      body: { facts: { field: 'conversationId' } },
    });
    const long = randomBytes(limits.maxKeyringBytes + 1);
    expect(await ann.ask('POST', '/channels', { conversationId: newChannelId(), title, keyring: long })).toMatchObject({
      status: 400,
      body: { facts: { field: 'keyring' } },
    });
    expect(await bea.refusal('POST', '/channels', { conversationId: channel.conversationId, title, keyring: title })).toBe('conflict');
    expect(await ann.ask('PUT', `${path}/key`, { epoch: 3, keyring: title })).toMatchObject({
      status: 409,
      body: { facts: { field: 'epoch', epoch: 1 } },
    });
    expect([
      (await ann.ask('PUT', `${path}/key`, { epoch: 2, keyring: title })).status,
      (await ann.ask('PUT', `${path}/key`, { epoch: 2, keyring: title })).status,
    ]).toEqual([200, 200]);
    expect(await ann.refusal('PUT', `${path}/key`, { epoch: 2, keyring: randomBytes(9) })).toBe('conflict');
    expect(await bea.refusal('GET', path)).toBe('not_a_member');
    expect(await ann.refusal('DELETE', `${path}/members/${bea.accountId}`)).toBe('not_found');
    expect(await ann.refusal('DELETE', `${path}/members/${ann.accountId}`)).toBe('conflict');
    expect(await ann.ask('GET', `/conversations/${channel.conversationId}`)).toMatchObject({
      status: 400,
      body: { facts: { field: 'conversationId' } },
    });
    expect(await ann.refusal('POST', `/conversations/${channel.conversationId}/leave`)).toBe('invalid_request');
    const group = v7() as ConversationId;
    expect(await watch(ann, [group])).toMatchObject({ type: 'error', code: 'invalid_frame', detail: { field: 'conversations.0' } });
    expect(await watch(ann, Array.from({ length: limits.maxChannelWatches + 1 }, newChannelId))).toMatchObject({
      type: 'error',
      code: 'invalid_frame',
      detail: { field: 'conversations' },
    });
    expect(await watch(ann, [newChannelId()])).toMatchObject({ type: 'error', code: 'not_a_member' });
    expect(await headsOf(ann, [channel.conversationId])).toHaveLength(1);
    const listed = (await ann.ask('GET', '/conversations')).body as { readonly items: readonly unknown[] };
    expect(listed.items).toContainEqual(expect.objectContaining({ conversationId: channel.conversationId, kind: 'channel', members: [] }));
  });

  test('is full with 100,000 members, which whoever posts does not notice, and whose pages can be read', async () => {
    const [ann, bea] = await Promise.all([stage.one(), stage.one()]);
    await Promise.all([ann, bea].map((member) => member.connect()));
    const channel = await founded(ann);
    await joined(channel, ann, [bea]);
    await fillChannel(stage.server.directoryUrl, channel.conversationId, limits.maxChannelMembers - 2);
    const eve = await stage.one();
    const { secret } = inviteSchema.parse((await ann.ask('POST', `/channels/${channel.conversationId}/invite`, { lifetimeMs: 60_000 })).body);
    expect(await eve.ask('POST', '/channel-invites', { secret })).toMatchObject({
      status: 409,
      body: { code: 'channel_full', facts: { limit: 100_000 } },
    });
    expect(await post(channel, ann)).toMatchObject({ type: 'accepted' });
    expect(await headsOf(bea, [channel.conversationId])).toHaveLength(1);
    const page = (await ann.ask('GET', `/channels/${channel.conversationId}/members?limit=1000`)).body as {
      readonly items: readonly unknown[];
      readonly next?: string;
    };
    expect([page.items.length, typeof page.next]).toEqual([1_000, 'string']);
    expect((await bea.ask('POST', `/channels/${channel.conversationId}/leave`)).status).toBe(204);
    expect(await eve.ask('POST', '/channel-invites', { secret })).toMatchObject({ status: 200, body: { memberCount: 100_000 } });
    expect((await ann.ask('POST', `/channels/${channel.conversationId}/leave`)).status).toBe(204);
  });
});
