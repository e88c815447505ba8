import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 } from 'uuid';

import type { ConversationId } from '../../protocol/ids.js';
import { limits, rateLimits } from '../../protocol/limits.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import { eventually } from '../support/eventually.js';
import { newAccountId, newConversationId } from '../support/ids.js';
import { LiveDevices } from '../support/live-devices.js';
import { MemberStage } from '../support/member-stage.js';
import type { RawMember } from '../support/raw-group.js';
import { sharedServer, type RunningServer } from '../support/server.js';

type FrameOf<Type extends ServerFrame['type']> = Extract<ServerFrame, { type: Type }>;

let server: RunningServer;
let stage: MemberStage;
const live = new LiveDevices(() => server.publicUrl);

beforeAll(async () => {
  server = await sharedServer();
  stage = new MemberStage(server);
}, 120_000);
afterEach(() => Promise.all([live.end(), stage.disconnect()]));
afterAll(() => stage.close());

const account = (deviceCount?: number) => stage.account(deviceCount);

/** Connected. */
const one = async () => (await stage.one()).connect();

const setPrivacy = (member: RawMember, lastSeen: 'everyone' | 'contacts' | 'nobody') =>
  member.ask('PUT', '/accounts/self/privacy', { lastSeen, readReceipts: true });
const block = (by: RawMember, other: RawMember) => by.ask('PUT', `/accounts/self/blocks/${other.accountId}`);
const unblock = (by: RawMember, other: RawMember) => by.ask('DELETE', `/accounts/self/blocks/${other.accountId}`);
const talk = (from: RawMember, to: RawMember) => from.change('POST', '/conversations', { kind: 'direct', peer: to.accountId });
const heard = <Type extends ServerFrame['type']>(member: RawMember, type: Type): readonly FrameOf<Type>[] =>
  member.frames.filter((frame): frame is FrameOf<Type> => frame.type === type);

describe('typing', () => {
  const types = (member: RawMember, conversationId: ConversationId, state: 'started' | 'stopped' = 'started') =>
    member.tell({ type: 'typing', conversationId, state });
  const typed = (member: RawMember) => heard(member, 'typing').map(({ accountId, state }) => [accountId, state]);

  test('is told to every device of the other one, and to none of one’s own', async () => {
    const [[phone, laptop], [bobs, bobsOther]] = [(await account(2)) as [RawMember, RawMember], (await account(2)) as [RawMember, RawMember]];
    await Promise.all([phone, laptop, bobs, bobsOther].map((member) => member.connect()));
    const { conversationId } = await talk(phone, bobs);
    types(phone, conversationId);
    types(phone, conversationId, 'stopped');
    const both = [
      [phone.accountId, 'started'],
      [phone.accountId, 'stopped'],
    ];
    await eventually(() => expect([typed(bobs), typed(bobsOther)]).toEqual([both, both]));
    expect(heard(bobs, 'typing')[0]).toEqual({ type: 'typing', conversationId, accountId: phone.accountId, state: 'started' });
    expect([typed(phone), typed(laptop)]).toEqual([[], []]);
  });

  test('is told to everybody in a group who is there, blocks and all, and not later to who was away', async () => {
    const [ann, bea, cleo, [away]] = [await one(), await one(), await one(), (await account()) as [RawMember]];
    const others = [bea, cleo, away].map(({ accountId }) => accountId);
    const { conversationId } = await ann.change('POST', '/conversations', { kind: 'group', conversationId: v7(), members: others });
    await block(bea, ann);
    types(ann, conversationId);
    await eventually(() => expect([typed(bea), typed(cleo)]).toEqual([[[ann.accountId, 'started']], [[ann.accountId, 'started']]]));
    await away.connect();
    types(cleo, conversationId);
    await eventually(() => expect(typed(away)).toEqual([[cleo.accountId, 'started']]));
  });

  test('is told once in 3 s for each state, and costs one look-up and one message to each gateway', async () => {
    const [ann, bob] = [await one(), await one()];
    const { conversationId } = await talk(ann, bob);
    const [messages, dropped] = await Promise.all([
      server.metric('heliograph_gateway_typing_messages_total'),
      server.metric('heliograph_gateway_typing_dropped_total'),
    ]);
    for (let count = 0; count < 50; count += 1) types(ann, conversationId);
    types(ann, conversationId, 'stopped');
    await eventually(() => expect(typed(bob).at(-1)).toEqual([ann.accountId, 'stopped']));
    expect(typed(bob)).toHaveLength(2);
    await eventually(async () => {
      expect((await server.metric('heliograph_gateway_typing_messages_total')) - messages).toBe(2);
      expect((await server.metric('heliograph_gateway_typing_dropped_total')) - dropped).toBe(49);
    });
  });

  test('is dropped without a word where one is no member, and from a device that names ever more conversations', async () => {
    const [ann, bob, stranger] = [await one(), await one(), await one()];
    const { conversationId } = await talk(ann, bob);
    types(stranger, conversationId);
    for (let count = 0; count < 2 * rateLimits.typingDevice.burst; count += 1) types(ann, newConversationId());
    types(ann, conversationId);
    expect(await ann.request({ type: 'ping', id: 1 })).toEqual({ type: 'ok', id: 1 });
    types(bob, conversationId);
    await eventually(() => expect(typed(ann)).toEqual([[bob.accountId, 'started']]));
    expect([typed(bob), heard(ann, 'error'), heard(stranger, 'error')]).toEqual([[], [], []]);
  });

  test.each([
    ['one of them blocked the other', (ann: RawMember, bob: RawMember) => block(bob, ann)],
    ['one of them shows nobody when it is online', (_: RawMember, bob: RawMember) => setPrivacy(bob, 'nobody')],
    ['one of them shows contacts when it is online, and did not open it', (_: RawMember, bob: RawMember) => setPrivacy(bob, 'contacts')],
  ])('is told in neither direction of a direct conversation when %s', async (_, hide) => {
    const [ann, bob, cleo] = [await one(), await one(), await one()];
    const { conversationId } = await talk(ann, bob);
    await hide(ann, bob);
    types(ann, conversationId);
    types(bob, conversationId);
    const others = await talk(cleo, ann);
    types(ann, others.conversationId);
    types(cleo, others.conversationId);
    await eventually(() => expect([typed(cleo), typed(ann)]).toEqual([[[ann.accountId, 'started']], [[cleo.accountId, 'started']]]));
    expect(typed(bob)).toEqual([]);
  });

  test('comes to devices of the SDK as events, and ends with the message', async () => {
    const [ann, bob] = [await live.open(live.directory(), live.handle()), await live.open(live.directory(), live.handle())];
    const { conversationId } = await ann.conversationWith(bob.handle);
    const news: unknown[] = [];
    bob.on('typing', (event) => news.push(event));
    bob.on('message', ({ content }) => news.push(content));
    await eventually(() => expect([ann.status.state, bob.status.state]).toEqual(['online', 'online']));
    await eventually(() => {
      ann.typing(conversationId);
      expect(news).toEqual([{ conversationId, accountId: ann.accountId, state: 'started' }]);
    });
    await ann.send(conversationId, { type: 'text', text: 'hello' });
    await eventually(() =>
      expect(news.slice(1)).toEqual([
        { conversationId, accountId: ann.accountId, state: 'stopped' },
        { type: 'text', text: 'hello' },
      ]),
    );
  });
});

describe('watching', () => {
  let requests = 1;
  const watch = (member: RawMember, ...accounts: readonly RawMember[]) =>
    member.request({ type: 'watch', id: ++requests, accounts: accounts.map(({ accountId }) => accountId) });
  const unwatch = (member: RawMember, ...accounts: readonly RawMember[]) =>
    member.request({ type: 'unwatch', id: ++requests, accounts: accounts.map(({ accountId }) => accountId) });
  /** Of one account: whether it was online. */
  const seen = (member: RawMember, of: RawMember) =>
    heard(member, 'presence').flatMap(({ accountId, online }) => (accountId === of.accountId ? online : []));
  const last = (member: RawMember, of: RawMember) => heard(member, 'presence').findLast(({ accountId }) => accountId === of.accountId);

  test('tells who is online and who was when, then every change; a device that comes back at once was never away', async () => {
    const [ann, bob, [cleo]] = [await one(), await one(), (await account()) as [RawMember]];
    expect(await watch(ann, bob, cleo)).toMatchObject({ type: 'ok' });
    await eventually(() => expect([last(ann, bob), last(ann, cleo)]).toMatchObject([{ online: true }, { online: false }]));
    expect(last(ann, cleo)).not.toHaveProperty('lastSeenMs');
    await cleo.connect();
    await eventually(() => expect(seen(ann, cleo)).toEqual([false, true]));
    await bob.disconnect();
    await bob.connect();
    const beforeMs = Date.now();
    await cleo.disconnect();
    await eventually(() => expect(last(ann, cleo)).toMatchObject({ online: false, lastSeenMs: expect.any(Number) }), 10_000);
    expect(Date.now() - beforeMs).toBeGreaterThan(4_900);
    expect(Math.abs((last(ann, cleo)?.lastSeenMs ?? 0) - beforeMs)).toBeLessThan(2_000);
    expect(seen(ann, bob)).toEqual([true]);
    const later = await one();
    await watch(later, cleo);
    await eventually(() => expect(Math.abs((last(later, cleo)?.lastSeenMs ?? 0) - beforeMs)).toBeLessThan(2_000));
  }, 20_000);

  test('counts an account as there while any of its devices is', async () => {
    const [ann, [phone, laptop]] = [await one(), (await account(2)) as [RawMember, RawMember]];
    await Promise.all([phone.connect(), laptop.connect()]);
    await watch(ann, phone);
    await eventually(() => expect(seen(ann, phone)).toEqual([true]));
    await phone.disconnect();
    const someone = await one();
    await watch(ann, someone);
    await someone.disconnect();
    await eventually(() => expect(seen(ann, someone).at(-1)).toBe(false), 10_000);
    expect(seen(ann, phone)).toEqual([true]);
    await laptop.disconnect();
    await eventually(() => expect(seen(ann, phone)).toEqual([true, false]), 10_000);
  }, 30_000);

  test.each([
    [
      'the other one shows it to nobody',
      (_: RawMember, bob: RawMember) => setPrivacy(bob, 'nobody'),
      (_: RawMember, bob: RawMember) => setPrivacy(bob, 'everyone'),
    ],
    ['one shows it to nobody oneself', (ann: RawMember) => setPrivacy(ann, 'nobody'), (ann: RawMember) => setPrivacy(ann, 'everyone')],
    [
      'the other one shows it to contacts, and did not open the conversation',
      async (ann: RawMember, bob: RawMember) => {
        await setPrivacy(bob, 'contacts');
        await talk(ann, bob);
      },
      (ann: RawMember, bob: RawMember) => talk(bob, ann),
    ],
    ['the other one blocked it', (ann: RawMember, bob: RawMember) => block(bob, ann), (ann: RawMember, bob: RawMember) => unblock(bob, ann)],
    ['one blocked the other', (ann: RawMember, bob: RawMember) => block(ann, bob), (ann: RawMember, bob: RawMember) => unblock(ann, bob)],
  ] as [string, (ann: RawMember, bob: RawMember) => Promise<unknown>, (ann: RawMember, bob: RawMember) => Promise<unknown>][])(
    'shows an account as never there, and again, at once, when %s and does so no more',
    async (_, hide, show) => {
      const [ann, bob] = [await one(), await one()];
      await watch(ann, bob);
      await eventually(() => expect(seen(ann, bob)).toEqual([true]));
      await hide(ann, bob);
      await eventually(() => expect(last(ann, bob)).toEqual({ type: 'presence', accountId: bob.accountId, online: false }));
      const stranger = await one();
      await watch(stranger, ann);
      await eventually(() => expect(seen(stranger, ann)).toHaveLength(1));
      await show(ann, bob);
      await eventually(() => expect(seen(ann, bob)).toEqual([true, false, true]));
    },
  );

  test('ends with unwatch, and has a limit', async () => {
    const [ann, [bob], [cleo]] = [await one(), (await account()) as [RawMember], (await account()) as [RawMember]];
    await watch(ann, bob, cleo);
    await eventually(() => expect([seen(ann, bob), seen(ann, cleo)]).toEqual([[false], [false]]));
    expect(await unwatch(ann, bob)).toMatchObject({ type: 'ok' });
    await Promise.all([bob.connect(), cleo.connect()]);
    await eventually(() => expect(seen(ann, cleo)).toEqual([false, true]));
    expect(seen(ann, bob)).toEqual([false]);
    const many = Array.from({ length: limits.maxWatches }, newAccountId);
    expect(await ann.request({ type: 'watch', id: ++requests, accounts: many })).toMatchObject({
      ...{ type: 'error', code: 'too_large' },
      detail: { field: 'accounts', limit: limits.maxWatches },
    });
    expect(await server.metric('heliograph_gateway_watches')).toBeGreaterThan(0);
  });

  test('is shown to contacts by devices of the SDK once their user answers, not when somebody writes to them', async () => {
    const [ann, bob] = [await live.open(live.directory(), live.handle()), await live.open(live.directory(), live.handle())];
    await ann.setPrivacy({ lastSeen: 'contacts' });
    const { conversationId } = await bob.conversationWith(ann.handle);
    const got = new Promise((resolve) => ann.on('message', resolve));
    await bob.send(conversationId, { type: 'text', text: 'hello' });
    await got;
    const news: boolean[] = [];
    bob.on('presence', (event) => news.push(event.online));
    await bob.watch([ann.accountId]);
    await eventually(() => expect(news).toEqual([false]));
    await ann.send(conversationId, { type: 'text', text: 'hello you' });
    await eventually(() => expect(news).toEqual([false, true]));
  });

  test('goes on in devices of the SDK after they reconnected', async () => {
    const [ann, bob] = [await live.open(live.directory(), live.handle()), live.directory()];
    const handle = live.handle();
    const first = await live.open(bob, handle);
    await eventually(() => expect(first.status.state).toBe('online'));
    const { accountId } = first;
    const news: boolean[] = [];
    ann.on('presence', (event) => news.push(event.online));
    await ann.watch([accountId]);
    await eventually(() => expect(news).toEqual([true]));
    await live.close(first);
    await eventually(() => expect(news).toEqual([true, false]), 10_000);
    await live.open(bob, handle);
    await eventually(() => expect(news).toEqual([true, false, true]));
    await ann.unwatch([accountId]);
    await expect(ann.watch(Array.from({ length: limits.maxWatches + 1 }, newAccountId))).rejects.toMatchObject({ code: 'too_large' });
  }, 20_000);
});
