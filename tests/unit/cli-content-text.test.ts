import { describe, expect, test } from '@jest/globals';

import { durationOf, durationText, fullTextOf } from '../../cli/chat/content-text.js';
import { ShownNumbers } from '../../cli/chat/shown-numbers.js';
import type { Message, ShownContent } from '../../sdk/index.js';
import { deviceNumber, newAccountId, newBlobId, newConversationId, newMessageId } from '../support/ids.js';

const [conversationId, ann, bea] = [newConversationId(), newAccountId(), newAccountId()];
const message = (content: ShownContent, more: Partial<Message> = {}): Message => ({
  ...{ conversationId, content, messageId: newMessageId() },
  sender: { accountId: ann, deviceId: deviceNumber(1) },
  ...more,
});
const file = { type: 'file', blobId: newBlobId(), key: new Uint8Array(32), sha256: new Uint8Array(32), size: 1, name: 'tree.jpg' } as const;
const text = (of: string) => message({ type: 'text', text: of });

describe('what a message says', () => {
  test.each<[ShownContent, string]>([
    [{ type: 'deleted' }, '[deleted]'],
    [{ type: 'unsupported' }, '[made by a newer version]'],
    [{ type: 'disappearing' }, '[what is said stays]'],
    [{ ...file, size: 512 }, '[tree.jpg, 512 B]'],
    [{ ...file, size: 1_450 }, '[tree.jpg, 1.4 kB]'],
    [{ ...file, size: 98_760_000, name: 'a\u202eb', text: 'our tree' }, '[ab, 98.8 MB] our tree'],
    [{ type: 'disappearing', seconds: 3_600 }, '[what is said disappears after 1h]'],
  ])('%j is shown as %s', (content, shown) => {
    expect(fullTextOf(message(content), undefined)).toBe(shown);
  });

  test('comes with what it answers, that it was edited, and with reactions', () => {
    const reactions = [
      { emoji: '👍', accounts: [ann, bea] },
      { emoji: '❤️', accounts: [bea] },
    ];
    expect(fullTextOf({ ...text('hello'), editedAtMs: 1, reactions }, undefined)).toBe('hello (edited) · 👍 2 ❤️');
    const reply = message({ type: 'text', text: 'yes', replyTo: newMessageId() });
    expect(fullTextOf(reply, text('x'.repeat(41)))).toBe(`↪ "${'x'.repeat(40)}…" yes`);
    expect(fullTextOf(reply, undefined)).toBe('↪ [not here] yes');
  });

  test('of a poll shows how many are for what', () => {
    const poll: ShownContent = { type: 'poll', question: 'Where?\u001b[2J', options: ['here', 'there'], choice: 'single' };
    expect(fullTextOf(message(poll, { votes: [[], [ann, bea]] }), undefined)).toBe('Where? [2J [1 here (0), 2 there (2)]');
  });
});

test.each([
  ['30s', 30],
  ['90s', 90],
  ['10m', 600],
  ['8h', 28_800],
  ['7d', 604_800],
])('%s are %d seconds', (duration, seconds) => {
  expect(durationOf(duration)).toBe(seconds);
  expect(durationText(seconds)).toBe(duration);
});

test.each(['', '8', 'h', '1.5h', '-1h', '8 h', '1y', 'off'])('"%s" is no duration', (duration) => {
  expect(durationOf(duration)).toBeUndefined();
});

test('a message keeps its number as long as it is among the last thousand', () => {
  const numbers = new ShownNumbers();
  const ids = Array.from({ length: 1_001 }, newMessageId);
  expect(ids.map((id) => numbers.numberOf(id)).at(-1)).toBe(1_001);
  expect(numbers.messageOf(2)).toBe(ids[1]);
  expect(numbers.messageOf(1)).toBeUndefined();
  expect(numbers.numberOf(ids[1] ?? newMessageId())).toBe(2);
});
