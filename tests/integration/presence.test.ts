import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 } from 'uuid';

import type { ConversationId } from '../../protocol/ids.js';
import { rateLimits, type RateLimitName } from '../../protocol/limits.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import { eventually } from '../support/eventually.js';
import { newConversationId } from '../support/ids.js';
import { LiveDevices } from '../support/live-devices.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { RawMember } from '../support/raw-group.js';
import { RegisteredDevices } from '../support/registered-devices.js';
import { TestServer } from '../support/server.js';

type FrameOf<Type extends ServerFrame['type']> = Extract<ServerFrame, { type: Type }>;

let postgres: TestPostgres;
let server: TestServer;
let registered: RegisteredDevices;
const members: RawMember[] = [];
const live = new LiveDevices(() => server.publicUrl);

function asShipped(name: RateLimitName): Record<string, string> {
  const variable = `HELIOGRAPH_LIMIT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
  return { [`${variable}_BURST`]: `${rateLimits[name].burst}`, [`${variable}_PER_SECOND`]: `${rateLimits[name].perSecond}` };
}

beforeAll(async () => {
  postgres = await startPostgres();
  const environment = { HELIOGRAPH_POSTGRES_URL: postgres.url, ...asShipped('typing'), ...asShipped('typingDevice') };
  server = await TestServer.start({ environment });
  registered = new RegisteredDevices(server, postgres.url);
}, 60_000);
afterEach(async () => {
  await Promise.all([live.end(), ...members.splice(0).map((member) => member.disconnect())]);
});
afterAll(async () => {
  await registered.close();
  await server.stop();
  await postgres.stop();
});

/** The devices of an account, not connected. */
async function account(deviceCount = 1): Promise<RawMember[]> {
  const made = (await registered.account(deviceCount)).devices.map((device) => new RawMember(server, device));
  members.push(...made);
  return made;
}

/** Connected. */
async function one(): Promise<RawMember> {
  const [member] = await account();
  if (member === undefined) throw new Error('one device was asked for');
  return member.connect();
}

const setPrivacy = (member: RawMember, lastSeen: 'everyone' | 'contacts' | 'nobody') =>
  member.ask('PUT', '/accounts/self/privacy', { lastSeen, readReceipts: true });
const block = (by: RawMember, other: RawMember) => by.ask('PUT', `/accounts/self/blocks/${other.accountId}`);
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
    for (let count = 0; count < rateLimits.typingDevice.burst; count += 1) types(ann, newConversationId());
    types(ann, conversationId);
    expect(await ann.request({ type: 'ping', id: 1 })).toEqual({ type: 'ok', id: 1 });
    types(bob, conversationId);
    await eventually(() => expect(typed(ann)).toEqual([[bob.accountId, 'started']]));
    expect([typed(bob), heard(ann, 'error'), heard(stranger, 'error')]).toEqual([[], [], []]);
  });

  test.each([
    ['one of them blocked the other', (ann: RawMember, bob: RawMember) => block(bob, ann)],
    ['one of them shows nobody when it is online', (_: RawMember, bob: RawMember) => setPrivacy(bob, 'nobody')],
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
