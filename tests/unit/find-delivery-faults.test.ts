import { describe, expect, test } from '@jest/globals';

import { findDeliveryFaults, type ConversationRecord } from '../support/find-delivery-faults.js';

const at = (messageId: string, position: number) => ({ messageId, position });

function sound(): ConversationRecord {
  return {
    devices: [
      {
        name: 'alice',
        accepted: new Map([
          ['a', 1],
          ['b', 3],
        ]),
        received: [at('c', 2)],
        repeatedUpTo: 0,
        receipted: 3,
      },
      { name: 'bob', accepted: new Map([['c', 2]]), received: [at('a', 1), at('b', 3)], repeatedUpTo: 0, receipted: 2 },
    ],
    history: [at('a', 1), at('c', 2), at('b', 3)],
  };
}

function changed(
  change: (record: { alice: ConversationRecord['devices'][0]; bob: ConversationRecord['devices'][1] }) => Partial<ConversationRecord['devices'][1]>,
): ConversationRecord {
  const { devices, history } = sound();
  return { devices: [devices[0], { ...devices[1], ...change({ alice: devices[0], bob: devices[1] }) }], history };
}

describe('the checker of the crash tests', () => {
  test('finds nothing where nothing is wrong', () => {
    expect(findDeliveryFaults(sound())).toEqual([]);
  });

  test.each<[string, ConversationRecord, string]>([
    ['a lost message', changed(() => ({ received: [at('a', 1)] })), 'bob never got b of alice'],
    ['a message kept twice', changed(() => ({ received: [at('a', 1), at('a', 1), at('b', 3)] })), 'bob kept a twice'],
    ['a message behind a later one', changed(() => ({ received: [at('b', 3), at('a', 1)] })), 'bob got a behind a later one'],
    ['an early receipt', changed(() => ({ received: [at('a', 1)] })), 'alice was told of a delivery that bob does not have'],
    ['a message with two positions', changed(() => ({ received: [at('a', 1), at('b', 4)] })), 'b has two positions'],
    ['a message that history lacks', { ...sound(), history: [at('a', 1), at('c', 2)] }, 'b was accepted at 3, history says nothing'],
    ['a message that history has twice', { ...sound(), history: [at('a', 1), at('c', 2), at('b', 3), at('b', 4)] }, 'history has b twice'],
  ])('finds %s', (_, record, fault) => {
    expect(findDeliveryFaults(record)).toContain(fault);
  });
});
