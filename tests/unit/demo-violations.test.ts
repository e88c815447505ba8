import { describe, expect, test } from '@jest/globals';

import type { SeenMessage } from '../../cli/demo/device-calls.js';
import { findViolations, type Witness } from '../../cli/demo/find-violations.js';

const texts = ['one', 'two', 'three'];

function witness(name: string, mine: boolean): Witness {
  const messages = texts.map((text, index): SeenMessage => ({ messageId: `id-${text}`, position: index + 1, text, mine }));
  const sent = mine ? texts.map((text) => ({ messageId: `id-${text}`, text })) : [];
  return { name, sent, snapshot: { messages, history: messages, delivered: mine ? 3 : 0, read: 0 } };
}

function changed(of: Witness, change: (messages: readonly SeenMessage[]) => readonly SeenMessage[]): Witness {
  return { ...of, snapshot: { ...of.snapshot, messages: change(of.snapshot.messages) } };
}

describe('the proof of the demo', () => {
  const alice = witness('alice', true);
  const bob = witness('bob', false);

  test('finds nothing where all is well', () => {
    expect(findViolations(alice, bob)).toEqual([]);
  });

  test.each<[string, Witness, Witness]>([
    ['lost', alice, changed(bob, (messages) => messages.slice(0, 2))],
    ['doubled', alice, changed(bob, (messages) => [...messages, ...messages.slice(2)])],
    ['reordered', changed(alice, ([one, two, three]) => [two, one, three].filter((message) => message !== undefined)), bob],
    ['altered', alice, changed(bob, (messages) => messages.map((message) => ({ ...message, text: message.text.toUpperCase() })))],
    [
      'never accepted',
      changed(alice, (messages) => messages.map((message, index) => (index === 2 ? { ...message, position: undefined } : message))),
      bob,
    ],
    ['receipted too early', alice, { ...changed(bob, (messages) => messages.slice(0, 2)) }],
  ])('finds a message that was %s', (_, one, other) => {
    expect(findViolations(one, other)).not.toEqual([]);
  });

  test('finds a receipt for what the peer has not got', () => {
    const early = { ...alice, snapshot: { ...alice.snapshot, delivered: 9 } };
    expect(findViolations(early, bob)).toEqual(['alice: told of a delivery that bob has not got']);
  });
});
