import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 } from 'uuid';

import { directConversationId, type ConversationId, type MessageId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import { historyPage, type ConversationView } from '../../protocol/rest/conversation.js';
import { eventually } from '../support/eventually.js';
import { newAccountId } from '../support/ids.js';
import { MemberStage } from '../support/member-stage.js';
import { sharedEnvelope, type RawMember } from '../support/raw-group.js';
import { sharedServer } from '../support/server.js';

let stage: MemberStage;

beforeAll(async () => {
  stage = new MemberStage(await sharedServer());
}, 120_000);
afterEach(() => stage.disconnect());
afterAll(() => stage.close());

const account = (deviceCount: number) => stage.account(deviceCount);
const one = () => stage.one();

const newGroup = (others: readonly RawMember[], more: object = {}) => ({
  ...{ kind: 'group', conversationId: v7() as ConversationId, title: Buffer.from('sealed') },
  ...{ members: others.map(({ accountId }) => accountId), ...more },
});
const found = (owner: RawMember, others: readonly RawMember[]) => owner.change('POST', '/conversations', newGroup(others));
const of = ({ conversationId }: ConversationView) => `/conversations/${conversationId}`;

describe('a group', () => {
  test('brings each message to every other device of its members, in one order, whether they are there or come later', async () => {
    const [ann, bea, [phone, laptop]] = [await one(), await one(), (await account(2)) as [RawMember, RawMember]];
    await Promise.all([ann.connect(), phone.connect('json')]);
    const view = await found(ann, [bea, phone]);
    const sent: MessageId[] = [];
    for (let count = 0; count < 20; count += 1) {
      const answer = await (count % 2 === 0 ? ann : phone).send(view);
      if (answer.type !== 'accepted') throw new Error(JSON.stringify(answer));
      sent.push(answer.messageId);
    }
    await Promise.all([bea.connect(), laptop.connect()]);
    await eventually(() => {
      expect([bea.messages, laptop.messages]).toEqual([sent, sent]);
      expect([ann.messages, phone.messages]).toEqual([sent.filter((_, index) => index % 2 === 1), sent.filter((_, index) => index % 2 === 0)]);
    });
    const kept = (member: RawMember) =>
      member.items.filter(({ kind }) => kind === 'message').map(({ body, envelope }) => [body?.byteLength, envelope]);
    expect([kept(bea), kept(laptop)]).toEqual([sent.map(() => [300, sharedEnvelope]), sent.map(() => [300, sharedEnvelope])]);
  });

  test('tells every member what changes, in the order of the changes and between the messages, and whom it removed too', async () => {
    const [ann, bea, cleo] = [await one(), await one(), await one()];
    await Promise.all([ann.connect(), bea.connect(), cleo.connect()]);
    const view = await found(ann, [bea]);
    const path = of(view);
    const withCleo = await ann.change('POST', `${path}/members`, { accounts: [cleo.accountId] });
    await ann.send(withCleo);
    await ann.change('PUT', `${path}/members/${bea.accountId}`, { role: 'admin' });
    await bea.change('PUT', `${path}/title`, { title: Buffer.from('other') });
    await bea.change('DELETE', `${path}/members/${cleo.accountId}`);
    expect((await ann.ask('POST', `${path}/leave`)).status).toBe(204);
    const told = [
      { type: 'created', version: 1, members: [ann.accountId, bea.accountId], title: Buffer.from('sealed') },
      { type: 'members-added', version: 2, members: [cleo.accountId] },
      { type: 'role-changed', version: 3, member: bea.accountId, role: 'admin' },
      { type: 'title-changed', version: 4, title: Buffer.from('other') },
      { type: 'member-removed', version: 5, member: cleo.accountId },
      { type: 'member-left', version: 6, member: ann.accountId, owner: bea.accountId },
    ];
    await eventually(() => {
      expect([ann.events, bea.events, cleo.events]).toEqual([told, told, told.slice(1, 5)]);
    });
    expect(bea.items.map(({ kind }) => kind)).toEqual(['event', 'event', 'message', 'event', 'event', 'event', 'event']);
    expect(bea.items.map(({ sender }) => sender.accountId)).toEqual([ann, ann, ann, ann, bea, bea, ann].map(({ accountId }) => accountId));
    const positions = bea.items.map(({ position }) => position);
    expect(positions).toEqual([...positions].sort((first, second) => first - second));
    await eventually(async () => {
      const page = historyPage.parse((await bea.ask('GET', `${path}/messages`)).body);
      expect(page.items.map(({ position }) => position).reverse()).toEqual(positions);
    });
  });

  test('keeps out whoever left or was removed, and shows it to nobody else', async () => {
    const [ann, bea, stranger] = [await one(), await one(), await one()];
    await Promise.all([ann.connect(), bea.connect()]);
    const view = await found(ann, [bea]);
    await ann.change('DELETE', `${of(view)}/members/${bea.accountId}`);
    const now = await ann.change('GET', of(view));
    for (const outsider of [bea, stranger]) {
      expect(await outsider.refusal('GET', of(view))).toBe('not_a_member');
      expect(await outsider.refusal('GET', `${of(view)}/messages`)).toBe('not_a_member');
      expect(await outsider.refusal('POST', `${of(view)}/leave`)).toBe('not_a_member');
      expect(await outsider.refusal('POST', `${of(view)}/invite`, { lifetimeMs: 60_000 })).toBe('not_a_member');
    }
    expect(await bea.send(now)).toMatchObject({ type: 'error', code: 'not_a_member' });
    expect(await ann.send(now)).toMatchObject({ type: 'accepted' });
    await eventually(() => {
      expect(bea.events.at(-1)?.type).toBe('member-removed');
    });
    expect(bea.messages).toEqual([]);
  });

  test('takes a message only if it was sealed for the present roster, and says what that is', async () => {
    const [ann, bea, cleo] = [await one(), await one(), await one()];
    await Promise.all([ann.connect(), cleo.connect()]);
    const view = await found(ann, [bea]);
    const now = await ann.change('POST', `${of(view)}/members`, { accounts: [cleo.accountId] });
    expect(now.rosterDigest).not.toBe(view.rosterDigest);
    expect(await ann.send(view)).toMatchObject({ type: 'error', code: 'roster_mismatch', detail: { rosterDigest: now.rosterDigest } });
    expect(await ann.send(view, { strategy: 'partial' })).toMatchObject({ type: 'accepted', roster: { rosterDigest: now.rosterDigest } });
    expect(await ann.send(now)).toMatchObject({ type: 'accepted' });
    await eventually(() => {
      expect(cleo.messages).toHaveLength(2);
    });
    const envelopes = [bea.envelope()];
    expect(await ann.send(now, { envelopes })).toMatchObject({ type: 'error', code: 'invalid_frame', detail: { field: 'envelopes' } });
    const keys = { kind: 'keys', body: undefined, envelopes } as const;
    expect(await ann.send(now, keys)).toMatchObject({ type: 'error', code: 'invalid_frame', detail: { field: 'envelope' } });
  });

  test('takes keys for some of its devices, and for no others', async () => {
    const [ann, bea, cleo, stranger] = [await one(), await one(), await one(), await one()];
    await Promise.all([ann.connect(), bea.connect(), cleo.connect()]);
    const view = await found(ann, [bea, cleo]);
    const keys = { kind: 'keys', body: undefined, envelope: undefined } as const;
    expect(await ann.send(view, { ...keys, envelopes: [bea.envelope()] })).toMatchObject({ type: 'accepted' });
    expect(await ann.send(view, { ...keys, envelopes: [stranger.envelope()] })).toMatchObject({
      ...{ type: 'error', code: 'roster_mismatch' },
      detail: { extra: [{ accountId: stranger.accountId, deviceId: 1 }], missing: [] },
    });
    expect(await ann.send(view)).toMatchObject({ type: 'accepted' });
    await eventually(() => {
      expect([bea, cleo].map(({ items }) => items.map(({ kind }) => kind))).toEqual([
        ['event', 'keys', 'message'],
        ['event', 'message'],
      ]);
    });
  });

  test('counts the receipts of each member', async () => {
    const [ann, bea, cleo] = [await one(), await one(), await one()];
    await Promise.all([ann.connect(), bea.connect()]);
    const view = await found(ann, [bea, cleo]);
    const answer = await ann.send(view);
    if (answer.type !== 'accepted') throw new Error(JSON.stringify(answer));
    const delivered = async () => {
      const { items } = (await ann.ask('GET', `${of(view)}/receipts`)).body as { items: { accountId: string; deliveredPosition?: number }[] };
      return items.filter(({ deliveredPosition = 0 }) => deliveredPosition >= answer.position).map(({ accountId }) => accountId);
    };
    await eventually(async () => {
      expect(await delivered()).toEqual([bea.accountId]);
    });
    await cleo.connect();
    await eventually(async () => {
      expect((await delivered()).sort()).toEqual([bea.accountId, cleo.accountId].sort());
    });
  });

  test('is made once, however often its maker asks, and keeps its limit', async () => {
    const [ann, bea] = [await one(), await one()];
    const wish = newGroup([bea]);
    expect([(await ann.ask('POST', '/conversations', wish)).status, (await ann.ask('POST', '/conversations', wish)).status]).toEqual([201, 200]);
    expect(await bea.refusal('POST', '/conversations', wish)).toBe('conflict');
    expect(await ann.refusal('POST', '/conversations', newGroup([], { members: [newAccountId()] }))).toBe('not_found');
    const theirs = directConversationId(ann.accountId, bea.accountId);
    expect(await ann.ask('POST', '/conversations', newGroup([bea], { conversationId: theirs }))).toMatchObject({
      ...{ status: 400 },
      body: { code: 'invalid_request', facts: { field: 'conversationId' } },
    });
    const crowd = (await stage.registered.many(limits.maxGroupMembers)).map(({ accountId }) => accountId);
    expect(await ann.refusal('POST', '/conversations', newGroup([], { members: crowd }))).toBe('group_full');
    const full = await ann.change('POST', '/conversations', newGroup([], { members: crowd.slice(1) }));
    expect(full.members).toHaveLength(limits.maxGroupMembers);
    expect(await ann.ask('POST', `${of(full)}/members`, { accounts: [bea.accountId] })).toMatchObject({
      ...{ status: 409 },
      body: { code: 'group_full', facts: { limit: limits.maxGroupMembers } },
    });
  });

  test('lets in whoever has its invite, until that is ended', async () => {
    const [ann, bea, cleo] = [await one(), await one(), await one()];
    await ann.connect();
    const view = await found(ann, []);
    const invite = async () => (await ann.ask('POST', `${of(view)}/invite`, { lifetimeMs: 60_000 })).body as { secret: string };
    const { secret } = await invite();
    const joined = await bea.change('POST', '/invites', { secret });
    expect(joined.members.map(({ accountId, role }) => [accountId, role]).sort()).toEqual(
      [
        [ann.accountId, 'owner'],
        [bea.accountId, 'member'],
      ].sort(),
    );
    expect(await bea.refusal('POST', `${of(view)}/invite`, { lifetimeMs: 60_000 })).toBe('forbidden');
    expect((await ann.ask('DELETE', `${of(view)}/invite`)).status).toBe(204);
    expect(await cleo.refusal('POST', '/invites', { secret })).toBe('not_found');
    await eventually(() => {
      expect(ann.events.map((event) => event?.type)).toEqual(['created', 'member-joined']);
    });
  });

  test('gets a title only over the one that its admin saw, if the admin says so', async () => {
    const [ann, bea] = [await one(), await one()];
    const path = of(await found(ann, [bea]));
    const tagNow = async () => (await ann.ask('GET', path)).tag ?? '';
    const seen = await tagNow();
    const titled = async (title: string, ifMatch: string) => {
      const { status, body } = await ann.ask('PUT', `${path}/title`, { title: Buffer.from(title) }, { 'if-match': ifMatch });
      return [status, (body as { code?: string }).code];
    };
    expect(await titled('first', seen)).toEqual([200, undefined]);
    expect(await titled('second', seen)).toEqual([412, 'changed']);
    expect(await titled('second', `W/${await tagNow()}`)).toEqual([412, 'changed']);
    expect(await titled('second', `"other", ${await tagNow()}`)).toEqual([200, undefined]);
    expect(await titled('third', '*')).toEqual([200, undefined]);
  });

  test('tells a change all the same when the process that made it ended before it could', async () => {
    const [ann, bea] = [await one(), await one()];
    await bea.connect();
    const { groups } = stage.registered.directory;
    const conversationId = v7() as ConversationId;
    await groups.create({ conversationId, members: [bea.accountId] }, { accountId: ann.accountId, deviceId: 1 as never }, Date.now());
    await eventually(() => {
      expect(bea.events.map((event) => event?.type)).toEqual(['created']);
    }, 15_000);
    expect(await groups.untold({ conversationId })).toEqual([]);
  });
});
