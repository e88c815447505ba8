import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Packr } from 'msgpackr';

import { DomainError } from '../../protocol/errors.js';
import type { MessageId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { Content } from '../../sdk/encryption/content.js';
import { DeviceStage, heard, textsOf } from '../support/device-stage.js';
import { eventually } from '../support/eventually.js';
import { newMessageId } from '../support/ids.js';
import { addressOf, PenPal } from '../support/pen-pal.js';

let stage: DeviceStage;

beforeAll(async () => {
  stage = await DeviceStage.start();
  stage.server.nowMs = Date.now;
});
afterEach(() => {
  stage.server.judge = () => 'accept';
  stage.server.nowMs = Date.now;
});
afterAll(() => stage.end());

const refusal = (code: string, field: string) => expect.objectContaining({ code, detail: expect.objectContaining({ field }) });
const thumb = (messageId: MessageId): Content => ({ type: 'reaction', messageId, emoji: '👍' });

async function conversation() {
  const { device, pal, conversationId } = await PenPal.withDevice(stage);
  const told = heard(device, 'message');
  const own = await device.send(conversationId, { type: 'text', text: 'mine' });
  await device.idle();
  const { messageId: theirs } = await pal.write(device, 'theirs');
  await eventually(() => expect(told).toHaveLength(1));
  const me = device.accountId;
  const them = pal.party.address.accountId;
  return { device, pal, conversationId, mine: own.messageId, theirs, me, them };
}

describe('what others do to messages', () => {
  test('is told as a change of the message, and is no message of its own', async () => {
    const { device, pal, conversationId, mine, theirs, them } = await conversation();
    const told = heard(device, 'message');
    const changed = heard(device, 'message-changed');
    await pal.write(device, thumb(mine));
    await eventually(() =>
      expect(changed).toEqual([expect.objectContaining({ messageId: mine, state: 'accepted', reactions: [{ emoji: '👍', accounts: [them] }] })]),
    );
    await pal.write(device, { type: 'edit', messageId: theirs, text: 'theirs, better' });
    await pal.write(device, { type: 'reaction', messageId: mine, emoji: '' });
    await eventually(() => expect(changed).toHaveLength(3));
    expect(changed[1]).toMatchObject({ content: { type: 'text', text: 'theirs, better' }, editedAtMs: expect.any(Number) });
    expect(changed[2]?.reactions).toBeUndefined();
    await pal.write(device, { type: 'delete', messageId: theirs });
    await eventually(() => expect(textsOf(device.messages(conversationId))).toEqual(['mine', '(deleted)']));
    expect(told).toEqual([]);
  });

  test('that may not do so, does nothing', async () => {
    const { device, pal, conversationId, mine } = await conversation();
    await pal.write(device, { type: 'edit', messageId: mine, text: 'not mine' });
    await pal.write(device, { type: 'delete', messageId: mine });
    await pal.write(device, 'last');
    await eventually(() => expect(textsOf(device.messages(conversationId))).toEqual(['mine', 'theirs', 'last']));
  });

  test('is in the message that is told, if it came before that', async () => {
    const { device, pal, conversationId, them } = await conversation();
    const told = heard(device, 'message');
    const late = await pal.seal(device, 'late');
    await pal.write(device, thumb(late.messageId));
    await pal.write(device, { type: 'edit', messageId: late.messageId, text: 'late, edited' });
    pal.accept(late);
    await eventually(() => expect(told).toHaveLength(1));
    expect(told[0]).toMatchObject({ content: { text: 'late, edited' }, reactions: [{ emoji: '👍', accounts: [them] }] });
    expect(textsOf(device.messages(conversationId))).toEqual(['mine', 'theirs', 'late, edited']);
  });

  test('and is of a kind that this version does not know, is shown as unsupported', async () => {
    const { device, pal, mine } = await conversation();
    const told = heard(device, 'message');
    await pal.write(device, new Packr({ useRecords: false }).pack({ v: 1, content: { type: 'pin', messageId: mine } }));
    await eventually(() => expect(textsOf(told)).toEqual(['(unsupported)']));
  });
});

describe('what one does to messages', () => {
  test('counts while it is on its way, and when it is accepted', async () => {
    const { device, conversationId, mine, theirs, me } = await conversation();
    const changed = heard(device, 'message-changed');
    const outgoing = heard(device, 'outgoing');
    stage.server.judge = () => 'silence';
    expect(await device.send(conversationId, thumb(theirs))).toMatchObject({ messageId: theirs, reactions: [{ emoji: '👍', accounts: [me] }] });
    await device.send(conversationId, { type: 'edit', messageId: mine, text: 'mine, better' });
    expect(textsOf(device.messages(conversationId))).toEqual(['mine, better', 'theirs']);
    expect(changed.map(({ messageId }) => messageId)).toEqual([theirs, mine]);
    stage.server.judge = () => 'accept';
    stage.server.cut(addressOf(device));
    await device.idle();
    expect(device.messages(conversationId)).toMatchObject([
      { content: { text: 'mine, better' }, editedAtMs: expect.any(Number) },
      { reactions: [{ emoji: '👍', accounts: [me] }] },
    ]);
    await device.send(conversationId, { type: 'delete', messageId: mine });
    await device.idle();
    expect(textsOf(device.messages(conversationId))).toEqual(['(deleted)', 'theirs']);
    expect(outgoing).toEqual([]);
  });

  test('is taken back, with a notice, when the server refuses it for good', async () => {
    const { device, conversationId, theirs } = await conversation();
    const changed = heard(device, 'message-changed');
    const notices = heard(device, 'notice');
    stage.server.judge = () => new DomainError('blocked', 'no');
    await device.send(conversationId, thumb(theirs));
    await device.idle();
    await eventually(() => expect(changed).toHaveLength(2));
    expect(changed.map(({ reactions }) => reactions?.length)).toEqual([1, undefined]);
    expect(notices).toEqual([expect.objectContaining({ kind: 'change-refused', failure: 'blocked' })]);
    expect(textsOf(device.messages(conversationId))).toEqual(['mine', 'theirs']);
  });

  test('is refused when it does not fit the message', async () => {
    const { device, pal, conversationId, mine, theirs } = await conversation();
    const send = (content: Content) => device.send(conversationId, content);
    const unknown = newMessageId();
    await expect(send(thumb(unknown))).rejects.toEqual(refusal('not_found', 'messageId'));
    await expect(send({ type: 'edit', messageId: theirs, text: 'x' })).rejects.toEqual(refusal('forbidden', 'messageId'));
    await expect(send({ type: 'delete', messageId: theirs })).rejects.toEqual(refusal('forbidden', 'messageId'));
    await expect(send({ type: 'poll-vote', messageId: mine, choices: [0] })).rejects.toEqual(refusal('invalid_request', 'messageId'));
    const poll = await send({ type: 'poll', question: 'Which?', options: ['a', 'b'], choice: 'single' });
    await expect(send({ type: 'poll-vote', messageId: poll.messageId, choices: [2] })).rejects.toEqual(refusal('invalid_request', 'choices'));
    await expect(send({ type: 'poll-vote', messageId: poll.messageId, choices: [0, 1] })).rejects.toEqual(refusal('invalid_request', 'choices'));
    await expect(send({ type: 'edit', messageId: poll.messageId, text: 'x' })).rejects.toEqual(refusal('invalid_request', 'messageId'));
    await pal.write(device, { type: 'delete', messageId: theirs });
    await eventually(() => expect(textsOf(device.messages(conversationId))).toContain('(deleted)'));
    await expect(send(thumb(theirs))).rejects.toEqual(refusal('not_found', 'messageId'));
  });

  test('a text can be edited for a quarter of an hour', async () => {
    stage.server.nowMs = () => Date.now() - 15 * 60_000 - 1_000;
    const { device, conversationId, mine } = await conversation();
    await expect(device.send(conversationId, { type: 'edit', messageId: mine, text: 'x' })).rejects.toEqual(refusal('invalid_request', 'messageId'));
  });

  test.each([0, 1.5, limits.maxTtlSeconds + 1])('a time of %d s is refused', async (ttlSeconds) => {
    const { device, conversationId, theirs } = await conversation();
    await expect(device.send(conversationId, { type: 'text', text: 'x' }, { ttlSeconds })).rejects.toEqual(refusal('invalid_request', 'ttlSeconds'));
    await expect(device.send(conversationId, thumb(theirs), { ttlSeconds: 60 })).rejects.toEqual(refusal('invalid_request', 'ttlSeconds'));
  });

  test('a reply names its message, which is looked up where it is shown', async () => {
    const { device, pal, conversationId, theirs } = await conversation();
    const { content } = await device.send(conversationId, { type: 'text', text: 'I see', replyTo: theirs });
    expect(content).toEqual({ type: 'text', text: 'I see', replyTo: theirs });
    expect(device.message(conversationId, theirs)).toMatchObject({ content: { text: 'theirs' } });
    expect(device.message(pal.conversationWith(device), newMessageId())).toBeUndefined();
  });

  test('votes of a poll are counted by account, and the last one counts', async () => {
    const { device, pal, conversationId, me, them } = await conversation();
    const { messageId } = await device.send(conversationId, { type: 'poll', question: 'Which?', options: ['a', 'b'], choice: 'single' });
    expect(device.message(conversationId, messageId)?.votes).toEqual([[], []]);
    await device.send(conversationId, { type: 'poll-vote', messageId, choices: [0] });
    await pal.write(device, { type: 'poll-vote', messageId, choices: [0] });
    await eventually(() => expect(device.message(conversationId, messageId)?.votes).toEqual([[expect.any(String), expect.any(String)], []]));
    await pal.write(device, { type: 'poll-vote', messageId, choices: [1] });
    await eventually(() => expect(device.message(conversationId, messageId)?.votes).toEqual([[me], [them]]));
  });
});
