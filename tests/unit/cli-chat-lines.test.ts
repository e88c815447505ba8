import { describe, expect, test } from '@jest/globals';

import { elsewhereLine, messageLine, noticeLine, safetyNumberLines, statusLine, tickLine } from '../../cli/chat/chat-lines.js';
import { printable } from '../../cli/chat/printable.js';
import { textCells } from '../../cli/chat/text-cells.js';
import type { ConversationId, Message, MessageId, OutgoingState } from '../../sdk/index.js';
import type { AccountId, DeviceId } from '../../protocol/ids.js';

const nowMs = new Date(2026, 4, 17, 10, 32).getTime();
const plain = { colour: false, nowMs };
const coloured = { colour: true, nowMs };

function message(text: string, state?: OutgoingState, acceptedAtMs = nowMs): Message {
  return {
    conversationId: 'conversation' as ConversationId,
    messageId: 'message' as MessageId,
    position: 1,
    acceptedAtMs,
    sender: { accountId: 'account' as AccountId, deviceId: 1 as DeviceId },
    content: { type: 'text', text },
    state,
  };
}

describe('a line of the chat', () => {
  test.each([
    ['pending', '10:32 alice: hello ⏳'],
    ['accepted', '10:32 alice: hello ✓'],
    ['delivered', '10:32 alice: hello ✓✓'],
    ['read', '10:32 alice: hello ✓✓ read'],
    ['failed', '10:32 alice: hello ✗'],
  ] as const)('shows that an own message is %s', (state, line) => {
    expect(messageLine(message('hello', state), 'alice', plain)).toBe(line);
  });

  test('shows read in blue where there are colours', () => {
    expect(messageLine(message('hello', 'read'), 'alice', coloured)).toContain(' hello \u001b[94m✓✓\u001b[39m');
    expect(messageLine(message('hello', 'delivered'), 'alice', coloured)).not.toContain('\u001b[94m');
  });

  test('shows no ticks behind what others wrote, and the day when it is another', () => {
    expect(messageLine(message('hello'), 'bob', plain)).toBe('10:32 bob: hello');
    expect(messageLine(message('hello', undefined, nowMs - 24 * 3_600_000), 'bob', plain)).toBe('May 16 2026 10:32 bob: hello');
  });

  test('tells why a message failed', () => {
    expect(tickLine({ ...message('hello', 'failed'), failure: 'not_a_member' }, plain)).toBe('✗ "hello" (not_a_member)');
  });

  test('quotes the beginning of a message whose own line is gone', () => {
    expect(tickLine(message('hello', 'delivered'), plain)).toBe('✓✓ "hello"');
    expect(tickLine(message('x'.repeat(41), 'read'), plain)).toBe(`✓✓ read "${'x'.repeat(40)}…"`);
  });

  test('names how to answer a message of another conversation', () => {
    expect(elsewhereLine(messageLine(message('hello'), 'carol', plain), 'carol')).toBe('(10:32 carol: hello) — /with carol');
  });

  test('lets no control characters of others through', () => {
    expect(messageLine(message('a\u001b[2Jb\r\nc'), 'bob', plain)).toBe('10:32 bob: a [2Jb c');
    expect(printable('abc\u202edef')).toBe('abcdef');
    expect(printable('👩‍👩‍👧')).toBe('👩‍👩‍👧');
  });

  test('says what could not be shown', () => {
    expect(messageLine({ ...message(''), content: { type: 'undecryptable' } }, 'bob', plain)).toBe('10:32 bob: [could not be decrypted]');
    expect(messageLine({ ...message(''), content: { type: 'unsupported' } }, 'bob', plain)).toBe('10:32 bob: [made by a newer version]');
  });
});

describe('the state of the connection', () => {
  test('is told with when the next try is', () => {
    expect(statusLine({ state: 'offline', reason: 'the connection broke', retryInMs: 1_540, final: false })).toBe(
      '· offline: the connection broke; reconnecting in 1.5 s',
    );
    expect(statusLine({ state: 'offline', reason: 'closed', final: true })).toBe('· offline: closed');
    expect(statusLine({ state: 'draining' })).toContain('draining');
    expect(statusLine({ state: 'online' })).toBe('· online');
    expect(statusLine({ state: 'connecting' })).toBe('· connecting');
  });
});

describe('a notice', () => {
  test('names the person whose keys changed', () => {
    const notice = { kind: 'identity-changed', accountId: 'account' } as Parameters<typeof noticeLine>[0];
    expect(noticeLine(notice, () => 'bob')).toMatch(/keys of bob changed.*\/safety/);
  });

  test('tells why sending waits', () => {
    const notice = { kind: 'sending-held', conversationId: 'conversation' as ConversationId, error: new Error('approve it first') } as const;
    expect(noticeLine(notice, () => 'bob')).toBe('! Not sent yet: approve it first');
  });
});

test('a safety number is twelve groups of five digits', () => {
  const digits = Array.from({ length: 60 }, (_, index) => index % 10).join('');
  const lines = safetyNumberLines(digits);
  expect(lines).toHaveLength(3);
  expect(lines.flatMap((line) => line.trim().split(' '))).toEqual(digits.match(/.{5}/g));
});

test('cells of a terminal are counted as it shows them', () => {
  expect(textCells('\u001b[94mabc\u001b[39m')).toBe(3);
  expect(textCells('⏳ 你好')).toBe(7);
  expect(textCells('👩‍👩‍👧')).toBe(2);
  expect(textCells('e\u0301')).toBe(1);
  expect(textCells('✓✓')).toBe(2);
});
