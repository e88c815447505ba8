import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

import { TypingBook, type TypingNews } from '../../sdk/presence/typing-book.js';
import type { Connection } from '../../sdk/transport/connection.js';
import { newAccountId, newConversationId } from '../support/ids.js';

const place = { conversationId: newConversationId(), accountId: newAccountId() };
const started = { type: 'typing', ...place, state: 'started' } as const;

let heard: TypingNews['state'][];
let said: string[];
let book: TypingBook;

beforeEach(() => {
  jest.useFakeTimers();
  [heard, said] = [[], []];
  book = new TypingBook(({ state }) => heard.push(state));
  book.connected({ typing: (_: unknown, state: string) => said.push(state) } as unknown as Connection);
});
afterEach(() => {
  book.disconnected();
  jest.useRealTimers();
});

describe('who types', () => {
  test('is told once, and ends 10 s after it was last heard', () => {
    book.take(started);
    jest.advanceTimersByTime(9_000);
    book.take(started);
    jest.advanceTimersByTime(9_999);
    expect(heard).toEqual(['started']);
    jest.advanceTimersByTime(1);
    expect(heard).toEqual(['started', 'stopped']);
  });

  test.each([
    ['says so', () => book.take({ ...started, state: 'stopped' })],
    ['sent a message', () => book.said(place)],
    ['cannot be heard any more', () => book.disconnected()],
  ])('ends at once when the other one %s, and is told once', (_, end) => {
    end();
    expect(heard).toEqual([]);
    book.take(started);
    end();
    end();
    jest.advanceTimersByTime(20_000);
    expect(heard).toEqual(['started', 'stopped']);
  });

  test('is said at most every 3 s, however often a key is pressed; that one stopped only after that', () => {
    book.say(place.conversationId, 'stopped');
    for (let ms = 0; ms < 6_000; ms += 100) {
      book.say(place.conversationId, 'started');
      jest.advanceTimersByTime(100);
    }
    expect(said).toEqual(['started', 'started']);
    book.say(place.conversationId, 'stopped');
    book.say(place.conversationId, 'stopped');
    book.say(newConversationId(), 'started');
    expect(said).toEqual(['started', 'started', 'stopped', 'started']);
  });

  test('is not said without a connection', () => {
    book.disconnected();
    book.say(place.conversationId, 'started');
    expect(said).toEqual([]);
  });
});
