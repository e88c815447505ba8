/* eslint-disable max-lines -- everything that devices do with channels, on one server */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { createSystemClock } from '../../adapters/system/system-clock.js';
import { createTokens } from '../../gateway/tokens.js';
import { type AccountId, type ChannelConversation, type ConversationId, type Device } from '../../sdk/index.js';
import { eventually } from '../support/eventually.js';
import { LiveDevices } from '../support/live-devices.js';
import { TestServer } from '../support/server.js';

let server: TestServer;
const live = new LiveDevices(() => server.publicUrl);

beforeAll(async () => {
  server = await TestServer.start();
}, 120_000);
afterEach(() => live.end());
afterAll(() => server.stop());

interface Of {
  readonly conversationId: ConversationId;
}

async function person(): Promise<{ readonly device: Device; readonly directory: string }> {
  const directory = live.directory();
  return { device: await live.open(directory, live.handle()), directory };
}

async function crowd(count: number): Promise<Device[]> {
  return (await Promise.all(Array.from({ length: count }, person))).map(({ device }) => device);
}

const say = (device: Device, { conversationId }: Of, text: string) => device.send(conversationId, { type: 'text', text });

/** Texts as they are; of everything else what it is. */
function seen(device: Device, { conversationId }: Of): readonly string[] {
  return device.messages(conversationId).map(({ content }) => {
    if (content.type === 'text') return content.text;
    return content.type === 'event' ? `(${content.event.type})` : `(${content.type})`;
  });
}

/** What the app was told, in that order. */
function told(device: Device, { conversationId }: Of): string[] {
  const texts: string[] = [];
  device.on('message', (message) => {
    if (message.conversationId === conversationId && message.content.type === 'text') texts.push(message.content.text);
  });
  return texts;
}

function channelOf(device: Device, { conversationId }: Of): ChannelConversation {
  const found = device.conversations().find((conversation) => conversation.conversationId === conversationId);
  if (found?.kind !== 'channel') throw new Error('the device does not know the channel');
  return found;
}

/** By the device's token alone. */
async function promote(of: TestServer, { by, conversationId, accountId }: { by: Device; conversationId: ConversationId; accountId: AccountId }) {
  const tokens = createTokens({ keys: of.tokenKeys, clock: createSystemClock(), lifetimeMs: 60_000 });
  const { token } = await tokens.issue({ accountId: by.accountId, deviceId: by.deviceId });
  const response = await fetch(`${of.publicUrl}/v1/channels/${conversationId}/members/${accountId}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ role: 'admin' }),
  });
  expect(response.status).toBe(204);
}

/** A reader in a process of its own that is killed when it was told so many messages. Answers their ids. */
async function killedReader({ conversationId }: Of, { directory, handle }: { readonly directory: string; readonly handle: string }, after: number) {
  const args = [resolve('dist/tests/programs/killed-device.js'), server.publicUrl, directory, handle, `#${conversationId}`];
  const reader = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { PATH: process.env['PATH'] } });
  const ids: string[] = [];
  const closed = once(reader, 'close');
  await new Promise<void>((resolve, reject) => {
    reader.once('exit', () => reject(new Error('the reader ended by itself')));
    createInterface({ input: reader.stdout }).on('line', (line) => {
      const [word, id = ''] = line.split(' ');
      if (word === 'told' && ids.push(id) >= after) resolve();
    });
  });
  reader.kill('SIGKILL');
  await closed;
  return ids;
}

describe('a channel of devices of the SDK', () => {
  test('brings posts of its admins to all its members, once each, in one order', async () => {
    const [ann, bea, cleo, dan] = (await crowd(4)) as [Device, Device, Device, Device];
    const channel = await ann.channels.create({ title: 'News' });
    const invite = await ann.channels.makeInvite(channel.conversationId);
    for (const device of [bea, cleo, dan]) await device.channels.join(invite);
    await ann.channels.setRole(channel.conversationId, bea.accountId, 'admin');
    const heard = [cleo, dan].map((device) => told(device, channel));
    const posts = Array.from({ length: 12 }, (_, index) => `post ${index}`);
    for (const text of posts.slice(0, 6)) await say(ann, channel, text);
    await ann.idle();
    await eventually(() => expect(seen(bea, channel)).toContain('post 5'));
    await Promise.all(posts.slice(6).map((text) => say(bea, channel, text)));
    await eventually(() => {
      expect(seen(cleo, channel).filter((text) => text.startsWith('post'))).toEqual(posts);
      for (const device of [ann, bea, dan]) expect(seen(device, channel)).toEqual(seen(cleo, channel));
      expect(heard).toEqual([posts, posts]);
    });
    expect(channelOf(dan, channel)).toMatchObject({ title: 'News', role: 'member', waitsForKey: false });
    expect((await dan.channels.refresh(channel.conversationId)).memberCount).toBe(4);
    expect(seen(dan, channel)[0]).toBe('(created)');
    const history = await dan.history(channel.conversationId, { limit: 100 });
    expect(history.map(({ content }) => content.type).filter((type) => type === 'undecryptable')).toEqual([]);
    expect(history).toHaveLength(seen(dan, channel).length);
  });

  test('waits for nobody: who was away finds everything, without any hint, and who joins late begins with the newest page', async () => {
    const [ann] = (await crowd(1)) as [Device];
    const bea = await person();
    const channel = await ann.channels.create({ title: 'News' });
    const invite = await ann.channels.makeInvite(channel.conversationId);
    await bea.device.channels.join(invite);
    await say(ann, channel, 'first');
    await eventually(() => expect(seen(bea.device, channel)).toContain('first'));
    await live.close(bea.device);
    for (let count = 0; count < 120; count += 1) await say(ann, channel, `while away ${count}`);
    await ann.idle();
    const back = await live.open(bea.directory);
    const all = ['first', ...Array.from({ length: 120 }, (_, count) => `while away ${count}`)];
    await eventually(() => expect(seen(back, channel).filter((text) => !text.startsWith('('))).toEqual(all));
    const [late] = (await crowd(1)) as [Device];
    await late.channels.join(invite);
    await eventually(() => expect(seen(late, channel)).toEqual(all.slice(-50)));
    const oldest = late.messages(channel.conversationId)[0]?.position;
    const older = await late.history(channel.conversationId, { before: oldest, limit: 100 });
    expect(older.map(({ content }) => (content.type === 'text' ? content.text : content.type)).slice(0, 3)).toEqual(all.slice(-53, -50).reverse());
  });

  test('reaches a device that is killed again and again while it reads: every post once, in order, and told', async () => {
    const [ann] = (await crowd(1)) as [Device];
    const bea = await person();
    const { handle } = bea.device;
    const channel = await ann.channels.create({ title: 'News' });
    await bea.device.channels.join(await ann.channels.makeInvite(channel.conversationId));
    await eventually(() => expect(seen(bea.device, channel)).toEqual(['(created)']));
    await bea.device.idle();
    await live.close(bea.device);
    const texts = Array.from({ length: 500 }, (_, index) => `post ${index}`);
    for (const text of texts) await say(ann, channel, text);
    await ann.idle();
    const known = new Set<string>();
    for (const after of [1, 20, 90]) for (const id of await killedReader(channel, { directory: bea.directory, handle }, after)) known.add(id);
    const back = await live.open(bea.directory);
    back.on('message', ({ messageId }) => void known.add(messageId));
    await eventually(() => expect(seen(back, channel)).toEqual(['(created)', ...texts]));
    await eventually(() => expect(back.messages(channel.conversationId).filter(({ messageId }) => !known.has(messageId))).toHaveLength(1));
  }, 120_000);

  test('takes posts of nobody but its owner and admins, and shows itself to nobody but its members', async () => {
    const [ann, bea, eve] = (await crowd(3)) as [Device, Device, Device];
    const channel = await ann.channels.create({ title: 'News' });
    const { conversationId } = channel;
    await bea.channels.join(await ann.channels.makeInvite(conversationId));
    await expect(say(bea, channel, 'me too')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(bea.channels.setTitle(conversationId, 'Mine')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(bea.channels.makeInvite(conversationId)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(bea.channels.remove(conversationId, ann.accountId)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(bea.channels.renewKey(conversationId)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(bea.channels.members(conversationId)).rejects.toMatchObject({ code: 'forbidden' });
    expect(await bea.channels.staff(conversationId)).toEqual([{ accountId: ann.accountId, role: 'owner' }]);
    await expect(eve.history(conversationId)).rejects.toMatchObject({ code: 'not_a_member' });
    await expect(eve.channels.staff(conversationId)).rejects.toMatchObject({ code: 'not_a_member' });
    for (const invite of ['', 'a.b', 'YWJj.0.YWJj', `${'A'.repeat(32)}.1.c2hvcnQ`]) {
      await expect(eve.channels.join(invite)).rejects.toMatchObject({ code: 'invalid_request', detail: { field: 'invite' } });
    }
    await expect(eve.channels.join(`${'A'.repeat(32)}.1.${'A'.repeat(43)}`)).rejects.toMatchObject({ code: 'not_found' });
    await expect(ann.channels.create({ title: '' })).rejects.toMatchObject({ code: 'invalid_request', detail: { field: 'title' } });
    await expect(say(ann, channel, 'x'.repeat(70_000))).rejects.toMatchObject({ code: 'too_large', detail: { field: 'content' } });
  });

  test('keeps what is posted after a removal from whoever was removed, and brings the other members the new key', async () => {
    const [ann, bea, cleo, dan] = (await crowd(4)) as [Device, Device, Device, Device];
    const channel = await ann.channels.create({ title: 'News' });
    const { conversationId } = channel;
    const invite = await ann.channels.makeInvite(conversationId);
    for (const device of [bea, cleo, dan]) await device.channels.join(invite);
    await ann.channels.setRole(conversationId, bea.accountId, 'admin');
    await say(ann, channel, 'for all');
    await eventually(() => expect([bea, cleo, dan].map((device) => seen(device, channel).at(-1))).toEqual(['for all', 'for all', 'for all']));
    await ann.channels.remove(conversationId, dan.accountId);
    await say(ann, channel, 'without dan');
    await eventually(() => expect([bea, cleo].map((device) => seen(device, channel).at(-1))).toEqual(['without dan', 'without dan']));
    await say(bea, channel, 'bea, under the new key');
    await eventually(() => expect(seen(cleo, channel).slice(-3)).toEqual(['for all', 'without dan', 'bea, under the new key']));
    await eventually(() => expect(channelOf(dan, channel).role).toBeUndefined());
    expect(seen(dan, channel).at(-1)).toBe('for all');
    // The invite carried the old key: it ended with it.
    await expect(dan.channels.join(invite)).rejects.toMatchObject({ code: 'not_found' });
    const [eva] = (await crowd(1)) as [Device];
    await eva.channels.join(await bea.channels.makeInvite(conversationId));
    await eventually(() =>
      expect(seen(eva, channel).filter((text) => !text.startsWith('('))).toEqual(['for all', 'without dan', 'bea, under the new key']),
    );
  });

  test('lets posts wait while nobody gives the key, skips none of them, and shows that they wait', async () => {
    const ann = await person();
    const [bea] = (await crowd(1)) as [Device];
    const channel = await ann.device.channels.create({ title: 'News' });
    const { conversationId } = channel;
    await bea.channels.join(await ann.device.channels.makeInvite(conversationId));
    await say(ann.device, channel, 'one');
    await eventually(() => expect(seen(bea, channel)).toContain('one'));
    await ann.device.channels.renewKey(conversationId);
    await say(ann.device, channel, 'two');
    await ann.device.idle();
    await live.close(ann.device);
    const heard = told(bea, channel);
    await bea.channels.refresh(conversationId);
    if (!seen(bea, channel).includes('two')) expect(channelOf(bea, channel).waitsForKey).toBe(true);
    const back = await live.open(ann.directory);
    await say(back, channel, 'three');
    await eventually(() => expect(seen(bea, channel).slice(-3)).toEqual(['one', 'two', 'three']));
    await eventually(() => expect(heard).toEqual(['two', 'three']));
    expect(channelOf(bea, channel).waitsForKey).toBe(false);
  });

  test('brings whoever becomes an admin the newest key, whoever made it and though something waits to be posted', async () => {
    const ann = await person();
    const [bea, cleo, dan] = (await crowd(3)) as [Device, Device, Device];
    const channel = await ann.device.channels.create({ title: 'News' });
    const { conversationId } = channel;
    const invite = await ann.device.channels.makeInvite(conversationId);
    for (const device of [bea, cleo, dan]) await device.channels.join(invite);
    await ann.device.channels.setRole(conversationId, bea.accountId, 'admin');
    await ann.device.channels.renewKey(conversationId);
    await ann.device.idle();
    await live.close(ann.device);
    // Nobody but Ann made it, and nothing was posted under it: the admins have it.
    await bea.channels.setRole(conversationId, cleo.accountId, 'admin');
    await eventually(async () => expect((await cleo.channels.refresh(conversationId)).role).toBe('admin'));
    await say(cleo, channel, 'cleo, as an admin');
    await eventually(() => expect(seen(bea, channel).at(-1)).toBe('cleo, as an admin'));
    // One who was made an admin by a device that gives no keys.
    await bea.channels.renewKey(conversationId);
    await promote(server, { by: bea, conversationId, accountId: dan.accountId });
    await eventually(async () => expect((await dan.channels.refresh(conversationId)).role).toBe('admin'));
    await say(dan, channel, 'dan, too');
    await eventually(() => expect(seen(bea, channel).at(-1)).toBe('dan, too'));
  });

  test('makes another key after a removal that was begun before and got no answer', async () => {
    const [ann, bea, cleo] = (await crowd(3)) as [Device, Device, Device];
    const channel = await ann.channels.create({ title: 'News' });
    const { conversationId } = channel;
    const invite = await ann.channels.makeInvite(conversationId);
    for (const device of [bea, cleo]) await device.channels.join(invite);
    await server.kill();
    await expect(ann.channels.remove(conversationId, bea.accountId)).rejects.toMatchObject({ code: 'offline' });
    await server.restart();
    await eventually(() => ann.channels.remove(conversationId, bea.accountId), 30_000);
    // Whom somebody removed already, it removes no more.
    await expect(ann.channels.remove(conversationId, bea.accountId)).rejects.toMatchObject({ code: 'not_found' });
    await expect(bea.channels.join(invite)).rejects.toMatchObject({ code: 'not_found' });
    await say(ann, channel, 'without bea');
    await eventually(() => expect(seen(cleo, channel).at(-1)).toBe('without bea'), 30_000);
    expect(seen(bea, channel)).not.toContain('without bea');
  }, 90_000);

  test('comes back on all devices of an account when one that left it joins again', async () => {
    const [ann, bea] = (await crowd(2)) as [Device, Device];
    const channel = await ann.channels.create({ title: 'News' });
    const { conversationId } = channel;
    const tablet = await live.linked(bea);
    const invite = await ann.channels.makeInvite(conversationId);
    await bea.channels.join(invite);
    await eventually(() => expect(channelOf(tablet, channel).role).toBe('member'));
    await bea.channels.leave(conversationId);
    await eventually(() => expect(channelOf(tablet, channel).role).toBeUndefined());
    await bea.channels.join(invite);
    await eventually(() => expect(channelOf(tablet, channel).role).toBe('member'));
    await say(ann, channel, 'welcome back');
    await eventually(() => expect([bea, tablet].map((device) => seen(device, channel).at(-1))).toEqual(Array(2).fill('welcome back')));
  });

  test('is there on all devices of an account, with what was read on one of them', async () => {
    const [ann, bea] = (await crowd(2)) as [Device, Device];
    const channel = await ann.channels.create({ title: 'News' });
    const { conversationId } = channel;
    const tablet = await live.linked(bea);
    await bea.channels.join(await ann.channels.makeInvite(conversationId));
    await say(ann, channel, 'hello');
    await eventually(() => expect([bea, tablet].map((device) => seen(device, channel))).toEqual(Array(2).fill(['(created)', 'hello'])));
    expect(channelOf(tablet, channel).title).toBe('News');
    await bea.markRead(conversationId);
    await eventually(() => expect(tablet.readUpTo(conversationId)).toBe(bea.messages(conversationId).at(-1)?.position));
    expect(ann.receiptsByMember(conversationId).size).toBe(0);
    expect(ann.messages(conversationId).at(-1)?.state).toBe('accepted');
    const laptop = await live.linked(ann);
    await eventually(() => expect(seen(laptop, channel)).toEqual(['(created)', 'hello']));
    await say(laptop, channel, 'from the laptop');
    await eventually(() => expect([ann, bea, tablet].map((device) => seen(device, channel).at(-1))).toEqual(Array(3).fill('from the laptop')));
  });

  test('shows edits, deletions, reactions and polls of those who post', async () => {
    const [ann, bea] = (await crowd(2)) as [Device, Device];
    const channel = await ann.channels.create({ title: 'News' });
    const { conversationId } = channel;
    await bea.channels.join(await ann.channels.makeInvite(conversationId));
    const [one, two] = [await say(ann, channel, 'helo'), await say(ann, channel, 'wrong')];
    await ann.idle();
    await ann.send(conversationId, { type: 'edit', messageId: one.messageId, text: 'hello' });
    await ann.send(conversationId, { type: 'delete', messageId: two.messageId });
    await ann.send(conversationId, { type: 'reaction', messageId: one.messageId, emoji: '👍' });
    await ann.send(conversationId, { type: 'poll', question: 'Well?', options: ['yes', 'no'], choice: 'single' });
    await eventually(() => expect(seen(bea, channel)).toEqual(['(created)', 'hello', '(deleted)', '(poll)']));
    await eventually(() => expect(bea.message(conversationId, one.messageId)?.reactions).toEqual([{ emoji: '👍', accounts: [ann.accountId] }]));
    const poll = bea.messages(conversationId).at(-1)?.messageId;
    await expect(bea.send(conversationId, { type: 'poll-vote', messageId: poll ?? one.messageId, choices: [0] })).rejects.toMatchObject({
      code: 'forbidden',
    });
    expect(await ann.explain(one.messageId)).toMatchObject({ pulled: true, accounts: [] });
    await expect(bea.explain(one.messageId)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('goes to somebody else when the owner gives it away or leaves', async () => {
    const [ann, bea, cleo] = (await crowd(3)) as [Device, Device, Device];
    const channel = await ann.channels.create({ title: 'News' });
    const { conversationId } = channel;
    const invite = await ann.channels.makeInvite(conversationId);
    await bea.channels.join(invite);
    await cleo.channels.join(invite);
    await ann.channels.setRole(conversationId, cleo.accountId, 'admin');
    await ann.channels.leave(conversationId);
    await eventually(async () => expect((await cleo.channels.refresh(conversationId)).role).toBe('owner'));
    await cleo.channels.setTitle(conversationId, 'Other news');
    await say(cleo, channel, 'mine now');
    await eventually(() => expect(channelOf(bea, channel).title).toBe('Other news'));
    await eventually(() => expect(seen(bea, channel).at(-1)).toBe('mine now'));
    expect(channelOf(ann, channel).role).toBeUndefined();
    await expect(say(ann, channel, 'still here?')).rejects.toMatchObject({ code: 'forbidden' });
    await cleo.channels.setRole(conversationId, bea.accountId, 'owner');
    expect(await bea.channels.staff(conversationId)).toEqual(
      expect.arrayContaining([
        { accountId: bea.accountId, role: 'owner' },
        { accountId: cleo.accountId, role: 'admin' },
      ]),
    );
    expect((await bea.channels.members(conversationId, { limit: 1 })).items).toHaveLength(1);
    expect((await cleo.channels.memberCalled(conversationId, bea.handle)).role).toBe('owner');
  });
});
