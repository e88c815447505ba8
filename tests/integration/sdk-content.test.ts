import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import type { Content, ConversationId, Device, Message } from '../../sdk/index.js';
import { eventually } from '../support/eventually.js';
import { LiveDevices } from '../support/live-devices.js';
import { sharedServer, type RunningServer } from '../support/server.js';

let server: RunningServer;
const live = new LiveDevices(() => server.publicUrl);

beforeAll(async () => {
  server = await sharedServer();
}, 120_000);
afterEach(() => live.end());

async function pair() {
  const directory = live.directory();
  const [alice, bob] = [await live.open(live.directory(), live.handle()), await live.open(directory, live.handle())];
  const { conversationId } = await alice.conversationWith(bob.handle);
  return { alice, bob, directory, conversationId };
}

const text = (of: string, more: object = {}): Content => ({ type: 'text', text: of, ...more });
const seen = (messages: readonly Message[]) => messages.map(({ content }) => (content.type === 'text' ? content.text : `(${content.type})`));
/** What both sides have to agree in. */
const outcomes = (device: Device, conversationId: ConversationId) =>
  device
    .messages(conversationId)
    .map(({ messageId, content, editedAtMs, reactions, votes }) => ({ messageId, content, editedAtMs, reactions, votes }));

async function agree(devices: readonly Device[], conversationId: ConversationId, count: number): Promise<void> {
  await eventually(() => {
    const [first, ...others] = devices.map((device) => outcomes(device, conversationId));
    expect(first).toHaveLength(count);
    for (const other of others) expect(other).toEqual(first);
  });
}

describe('what people do to messages', () => {
  test('is seen by both: replies, edits, reactions, polls, deletions; and in the history of the server', async () => {
    const { alice, bob, conversationId } = await pair();
    const { messageId } = await alice.send(conversationId, text('lunhc?'));
    await eventually(() => expect(seen(bob.messages(conversationId))).toEqual(['lunhc?']));
    const changed = new Promise<Message>((hear) => void bob.on('message-changed', hear));
    await alice.send(conversationId, { type: 'edit', messageId, text: 'lunch?' });
    expect(await changed).toMatchObject({ messageId, content: { text: 'lunch?' } });
    await bob.send(conversationId, { type: 'reaction', messageId, emoji: '❤️' });
    await bob.send(conversationId, { type: 'reaction', messageId, emoji: '👍' });
    const reply = await bob.send(conversationId, text('yes', { replyTo: messageId }));
    const poll = await bob.send(conversationId, { type: 'poll', question: 'Where?', options: ['here', 'there'], choice: 'single' });
    await bob.idle();
    await eventually(() => expect(alice.messages(conversationId)).toHaveLength(3));
    await alice.send(conversationId, { type: 'poll-vote', messageId: poll.messageId, choices: [0] });
    await alice.send(conversationId, { type: 'poll-vote', messageId: poll.messageId, choices: [1] });
    await bob.send(conversationId, { type: 'poll-vote', messageId: poll.messageId, choices: [1] });
    await Promise.all([alice.idle(), bob.idle()]);
    await agree([alice, bob], conversationId, 3);
    await eventually(() => {
      for (const device of [alice, bob]) {
        const [, , { votes = [] } = {}] = outcomes(device, conversationId);
        expect(votes.map((of) => of.toSorted())).toEqual([[], [alice.accountId, bob.accountId].toSorted()]);
      }
    });
    expect(outcomes(bob, conversationId)).toMatchObject([
      { content: { text: 'lunch?' }, editedAtMs: expect.any(Number), reactions: [{ emoji: '👍', accounts: [bob.accountId] }] },
      { content: { text: 'yes', replyTo: messageId } },
      { content: { question: 'Where?' } },
    ]);
    await bob.send(conversationId, { type: 'delete', messageId: reply.messageId });
    await eventually(() => expect(seen(alice.messages(conversationId))).toEqual(['lunch?', '(deleted)', '(poll)']));
    await agree([alice, bob], conversationId, 3);
    await eventually(async () => expect(seen(await alice.history(conversationId))).toEqual(['(poll)', '(deleted)', 'lunch?']));
    expect((await alice.history(conversationId, { limit: 1 })).length).toBe(1);
  });

  test('while one is away is there when it returns, and offline when one does it', async () => {
    const { alice, bob, directory, conversationId } = await pair();
    // What was not told by its end is told at its return.
    const isTold = new Promise<Message>((hear) => void bob.on('message', hear));
    const { messageId } = await alice.send(conversationId, text('first'));
    expect(await isTold).toMatchObject({ messageId });
    await live.close(bob);
    await alice.send(conversationId, { type: 'edit', messageId, text: 'first, edited' });
    const second = await alice.send(conversationId, text('second'));
    await alice.send(conversationId, { type: 'delete', messageId: second.messageId });
    const third = await alice.send(conversationId, text('third'));
    await alice.idle();
    const back = await live.open(directory);
    const told: Message[] = [];
    back.on('message', (message) => told.push(message));
    await agree([alice, back], conversationId, 3);
    expect(seen(back.messages(conversationId))).toEqual(['first, edited', '(deleted)', 'third']);
    await eventually(() => expect(told.map((message) => message.messageId)).toEqual([second.messageId, third.messageId]));
  });

  test('in a group: admins delete what others wrote, members do not', async () => {
    const [ann, bea, cleo] = await Promise.all(['ann', 'bea', 'cleo'].map(async () => live.open(live.directory(), live.handle())));
    if (ann === undefined || bea === undefined || cleo === undefined) throw new Error('three were made');
    const { conversationId } = await ann.groups.create({ title: 'Friends', members: [bea.handle, cleo.handle] });
    await eventually(() => expect([bea, cleo].map((device) => device.conversations().length)).toEqual([1, 1]));
    const spam = await cleo.send(conversationId, text('spam'));
    await eventually(() => expect(bea.messages(conversationId)).toHaveLength(2));
    await expect(bea.send(conversationId, { type: 'delete', messageId: spam.messageId })).rejects.toMatchObject({ code: 'forbidden' });
    await ann.groups.setRole(conversationId, bea.accountId, 'admin');
    await eventually(() => expect(bea.messages(conversationId)).toHaveLength(3));
    await bea.send(conversationId, { type: 'delete', messageId: spam.messageId });
    await eventually(() => {
      for (const device of [ann, bea, cleo]) expect(device.message(conversationId, spam.messageId)?.content).toEqual({ type: 'deleted' });
    });
  });
});

describe('messages that disappear', () => {
  test('go on both sides and from the history of the server', async () => {
    const { alice, bob, conversationId } = await pair();
    await alice.send(conversationId, { type: 'disappearing', seconds: 4 });
    await eventually(() => expect(bob.disappearing(conversationId)).toBe(4));
    const gone = new Promise<unknown>((hear) => void alice.on('disappeared', hear));
    const { messageId } = await bob.send(conversationId, text('soon gone'));
    await eventually(() => expect(alice.messages(conversationId)).toMatchObject([{}, { messageId, ttlSeconds: 4 }]));
    await eventually(async () => expect(seen(await alice.history(conversationId))).toContain('soon gone'));
    expect(await gone).toEqual({ messages: [{ conversationId, messageId }] });
    await eventually(() => expect(seen(bob.messages(conversationId))).toEqual(['(disappearing)']));
    await eventually(async () => expect(seen(await alice.history(conversationId))).toEqual(['(disappearing)']));
    await bob.send(conversationId, { type: 'disappearing' });
    await eventually(() => expect(alice.disappearing(conversationId)).toBeUndefined());
  });

  test('do not come to a device that was away for their time, which learns what it missed', async () => {
    const { alice, bob, directory, conversationId } = await pair();
    await alice.send(conversationId, text('before'));
    await eventually(() => expect(bob.messages(conversationId)).toHaveLength(1));
    await live.close(bob);
    const { messageId } = await alice.send(conversationId, text('missed'), { ttlSeconds: 1 });
    await alice.send(conversationId, text('after'));
    await alice.idle();
    await eventually(() => expect(seen(alice.messages(conversationId))).toEqual(['before', 'after']));
    const back = await live.open(directory);
    await eventually(() => expect(seen(back.messages(conversationId))).toEqual(['before', 'after']));
    await eventually(() => expect(back.gaps(conversationId)).toEqual([expect.objectContaining({ reason: 'expired', messageIds: [messageId] })]));
  });
});
