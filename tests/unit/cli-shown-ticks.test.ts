import { describe, expect, test } from '@jest/globals';

import { ShownTicks } from '../../cli/chat/shown-ticks.js';
import type { AccountId, DeviceId } from '../../protocol/ids.js';
import type { ConversationId, Message, MessageId, OutgoingState } from '../../sdk/index.js';

const conversationId = 'with-bob' as ConversationId;

function own(number: number, state: OutgoingState): Message {
  return {
    conversationId,
    messageId: `message-${number}` as MessageId,
    ...(state === 'pending' ? {} : { position: number }),
    sender: { accountId: 'alice' as AccountId, deviceId: 1 as DeviceId },
    content: { type: 'text', text: `text ${number}` },
    state,
  };
}
const states = (messages: readonly Message[]) => messages.map(({ messageId, state }) => `${messageId} ${state}`);
const upTo = (delivered: number, read?: number) => ({ delivered: delivered, read: read });

describe('ticks', () => {
  test('are shown once for each state', () => {
    const ticks = new ShownTicks();
    expect(ticks.add(own(1, 'pending'), {})?.state).toBe('pending');
    expect(ticks.add(own(1, 'pending'), {})).toBeUndefined();
    expect(ticks.add(own(1, 'accepted'), {})?.state).toBe('accepted');
    expect(states(ticks.raise(conversationId, upTo(1)))).toEqual(['message-1 delivered']);
    expect(ticks.raise(conversationId, upTo(1))).toEqual([]);
    expect(states(ticks.raise(conversationId, upTo(1, 1)))).toEqual(['message-1 read']);
  });

  test('change for everything up to the watermark, in order, and in one conversation only', () => {
    const ticks = new ShownTicks();
    for (const number of [1, 2, 3]) ticks.add(own(number, 'accepted'), {});
    ticks.add({ ...own(1, 'accepted'), messageId: 'other' as MessageId, conversationId: 'with-carol' as ConversationId }, {});
    expect(states(ticks.raise(conversationId, upTo(2, 1)))).toEqual(['message-1 read', 'message-2 delivered']);
  });

  test('are right when a receipt came before the answer to the send', () => {
    const ticks = new ShownTicks();
    ticks.add(own(1, 'pending'), {});
    ticks.raise(conversationId, upTo(1));
    expect(ticks.add(own(1, 'accepted'), upTo(1))?.state).toBe('delivered');
  });

  test('stay away from what failed', () => {
    const ticks = new ShownTicks();
    expect(ticks.add({ ...own(1, 'failed'), position: undefined }, upTo(9))?.state).toBe('failed');
    expect(ticks.raise(conversationId, upTo(9))).toEqual([]);
  });
});
