import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { isOver, maxQuarantinedItems, release, stateOf, suspect, suspicionMaxAgeMs, type Suspicion, type Unacked } from '../../core/suspicion.js';
import { newMessageId } from '../support/ids.js';

const messageId = newMessageId();
const after = (steps: readonly Unacked[], quarantined = 0) =>
  steps.reduce<Suspicion | undefined>((known, unacked) => suspect(messageId, known, unacked, quarantined), undefined);
const isQuarantined = (suspicion: Suspicion | undefined) => suspicion !== undefined && stateOf(suspicion) === 'quarantined';
const alone = (connection: number): Unacked => ({ connection, nowMs: connection, alone: true });
const among = (connection: number): Unacked => ({ connection, nowMs: connection, alone: false });

describe('an item that a device does not ack', () => {
  const step: fc.Arbitrary<Unacked> = fc.record({ connection: fc.integer({ min: 1, max: 4 }), nowMs: fc.nat(), alone: fc.boolean() });

  test('is in quarantine once it was alone on two connections, and for no other reason', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        const connections = new Set(steps.filter((of) => of.alone).map(({ connection }) => connection));
        expect(isQuarantined(after(steps))).toBe(connections.size > 1);
      }),
    );
  });

  test('keeps the time at which it went there', () => {
    expect(after([among(1), alone(2), alone(3), alone(4)])).toEqual({ messageId, suspectedAtMs: 3, aloneOn: 2, quarantinedAtMs: 3 });
  });

  test('stays in the inbox when too many others of the device are there', () => {
    expect(after([alone(2), alone(3)], maxQuarantinedItems)).toEqual({ messageId, suspectedAtMs: 3, aloneOn: 2 });
    expect(isQuarantined(after([alone(2), alone(3)], maxQuarantinedItems - 1))).toBe(true);
  });

  test('is given one more chance once it is released, and has its place for it however many others are there', () => {
    const released = release(after([alone(2), alone(3)]) as Suspicion, 9);
    expect(released).toEqual({ messageId, suspectedAtMs: 3, releasedAtMs: 9 });
    const once = suspect(messageId, released, alone(10), maxQuarantinedItems);
    expect(stateOf(once)).toBe('released');
    expect(suspect(messageId, once, alone(11), maxQuarantinedItems)).toEqual({ messageId, suspectedAtMs: 11, aloneOn: 10, quarantinedAtMs: 11 });
  });

  test('is suspected for a day, and in quarantine, or released from there, for as long as inboxes keep it', () => {
    const keptMs = 30 * suspicionMaxAgeMs;
    const suspected = { messageId, suspectedAtMs: 0 };
    expect([suspicionMaxAgeMs - 1, suspicionMaxAgeMs].map((nowMs) => isOver(suspected, nowMs, keptMs))).toEqual([false, true]);
    for (const kept of [
      { ...suspected, quarantinedAtMs: 0 },
      { ...suspected, releasedAtMs: 0 },
    ])
      expect([keptMs - 1, keptMs].map((nowMs) => isOver(kept, nowMs, keptMs))).toEqual([false, true]);
  });
});
