import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { explainDevice, furthestOf, type DeviceFacts, type MessageFacts } from '../../core/explain-message.js';
import { positionOf } from '../../core/position.js';
import { deviceStates } from '../../protocol/rest/explanation.js';
import { deviceNumber, newAccountId } from '../support/ids.js';

const position = positionOf(1, 100);
const [before, acceptedAtMs, after, nowMs] = [1_000, 2_000, 3_000, 4_000];
const [ann, bea] = [newAccountId(), newAccountId()];
const sender = { accountId: ann, deviceId: deviceNumber(1) };
const tablet = { accountId: ann, deviceId: deviceNumber(2) };

const sent = (changes: Partial<MessageFacts> = {}): MessageFacts => ({
  ...{ position, kind: 'message', sender, acceptedAtMs, withheld: false, recorded: true, routed: true, nowMs },
  ...changes,
});
const device = (changes: Partial<DeviceFacts> = {}): DeviceFacts => ({
  ...{ device: { accountId: bea, deviceId: deviceNumber(1) }, createdAtMs: before, joinedAtMs: before, named: true },
  ...changes,
});

describe('a device that the record names', () => {
  test.each<[string, Partial<MessageFacts>, Partial<DeviceFacts>, object]>([
    ['is routed to until the router is past it', { routed: false }, {}, { state: 'routing' }],
    [
      'has it queued since its row is there, whether the router is past it or not',
      { routed: false },
      { queuedAtMs: after },
      { state: 'queued', sinceMs: after },
    ],
    ['got it when it acked it', {}, { delivered: position }, { state: 'delivered' }],
    ['got it when it acked a later one', { routed: false }, { delivered: position + 7 }, { state: 'delivered' }],
    [
      'has it queued again once it was released from quarantine, though a watermark is past it',
      {},
      { queuedAtMs: after, delivered: position + 7, except: [position] },
      { state: 'queued', sinceMs: after },
    ],
    ['never got it when its row was too old for quarantine', {}, { delivered: position + 7, except: [position] }, { state: 'expired' }],
    ['got it when it acked a later one, whatever else it lacks', {}, { delivered: position + 7, except: [position - 1] }, { state: 'delivered' }],
    ['got it when its row is gone, though its receipt is under way', {}, { delivered: position - 1 }, { state: 'delivered' }],
    ['read it', {}, { delivered: position, read: position }, { state: 'read' }],
    ['has not read it when it read the one before', {}, { delivered: position, read: position - 1 }, { state: 'delivered' }],
    ['was unlinked before it got it', {}, { revokedAtMs: after }, { state: 'unlinked', sinceMs: after }],
    ['got it before it was unlinked', {}, { revokedAtMs: after, delivered: position }, { state: 'delivered' }],
    ['was too late for it', { expiresAtMs: after }, { queuedAtMs: acceptedAtMs }, { state: 'expired', sinceMs: after }],
    ['has time for it', { expiresAtMs: nowMs + 1 }, { queuedAtMs: acceptedAtMs }, { state: 'queued', sinceMs: acceptedAtMs }],
    ['was told of the gap', { expiresAtMs: after }, {}, { state: 'expired', sinceMs: after }],
    ['got it in time', { expiresAtMs: after }, { delivered: position }, { state: 'delivered' }],
    ['may have got it in time, or only the one after it', { expiresAtMs: after }, { delivered: position + 7 }, { state: 'unknown' }],
    [
      'may have read it in time, or only the one after it',
      { expiresAtMs: after },
      { delivered: position + 9, read: position + 7 },
      { state: 'unknown' },
    ],
    ['of the sender gives no receipts: got it', {}, { device: tablet }, { state: 'delivered' }],
    ['of the sender gives no receipts: nobody knows of one whose time is over', { expiresAtMs: after }, { device: tablet }, { state: 'unknown' }],
    ['belongs to somebody who blocked the sender', { withheld: true }, {}, { state: 'withheld', sinceMs: acceptedAtMs }],
    [
      'of the sender gets what is withheld from others',
      { withheld: true },
      { device: tablet, queuedAtMs: after },
      { state: 'queued', sinceMs: after },
    ],
    ['left the conversation since', {}, { joinedAtMs: undefined, queuedAtMs: after }, { state: 'queued', sinceMs: after }],
    ['joined again since', {}, { joinedAtMs: after, delivered: position }, { state: 'delivered' }],
    ['gives no receipts for events', { kind: 'event' }, {}, { state: 'delivered' }],
  ])('%s', (_, message, facts, outcome) => {
    expect(explainDevice(sent(message), device(facts))).toEqual(outcome);
  });
});

describe('a device that the record does not name', () => {
  test.each<[string, Partial<DeviceFacts>, object | undefined]>([
    ['was linked later', { createdAtMs: after, delivered: position + 1 }, { state: 'linked-later', sinceMs: after }],
    ['joined later', { joinedAtMs: after, createdAtMs: before, read: position + 1 }, { state: 'joined-later', sinceMs: after }],
    ['was left out by the sender', { delivered: position + 1 }, { state: 'not-addressed' }],
    ['was unlinked before', { revokedAtMs: acceptedAtMs }, undefined],
    ['left the conversation before', { joinedAtMs: undefined, delivered: position + 1 }, undefined],
    ['sent it', { device: sender }, undefined],
  ])('%s', (_, facts, outcome) => {
    expect(explainDevice(sent(), device({ named: false, ...facts }))).toEqual(outcome);
  });
});

describe('a device of a message whose record is gone from the log', () => {
  test.each<[string, Partial<DeviceFacts>, object | undefined]>([
    ['was linked later', { createdAtMs: after, delivered: position + 1 }, { state: 'linked-later', sinceMs: after }],
    ['joined later', { joinedAtMs: after }, { state: 'joined-later', sinceMs: after }],
    ['was unlinked before', { revokedAtMs: before }, undefined],
    ['was unlinked since', { revokedAtMs: after }, { state: 'unlinked', sinceMs: after }],
    ['still waits for it', { queuedAtMs: after }, { state: 'queued', sinceMs: after }],
    ['acked it', { delivered: position }, { state: 'delivered' }],
    ['acked it and left', { joinedAtMs: undefined, delivered: position }, { state: 'delivered' }],
    ['left nothing that tells', {}, { state: 'unknown' }],
    ['sent it', { device: sender }, undefined],
  ])('%s', (_, facts, outcome) => {
    expect(explainDevice(sent({ recorded: false }), device({ named: false, ...facts }))).toEqual(outcome);
  });
});

const time = fc.constantFrom(undefined, before, acceptedAtMs, after);
const mark = fc.constantFrom(undefined, position - 1, position, position + 1);
const anyDevice = fc.record({
  device: fc.constantFrom(sender, tablet, { accountId: bea, deviceId: deviceNumber(1) }),
  createdAtMs: fc.constantFrom(before, after),
  ...{ revokedAtMs: time, joinedAtMs: time, queuedAtMs: time, delivered: mark, read: mark, named: fc.boolean() },
});
const anyMessage = fc
  .record({
    kind: fc.constantFrom('message', 'keys', 'event'),
    expiresAtMs: time,
    recorded: fc.boolean(),
    routed: fc.boolean(),
    withheld: fc.boolean(),
  })
  .map((changes) => sent(changes as Partial<MessageFacts>));

describe('whatever the stores say', () => {
  test('a device goes only forward while it gets the message: routing, queued, delivered, read', () => {
    const steps: readonly Partial<DeviceFacts>[] = [{}, { queuedAtMs: after }, { delivered: position }, { read: position }];
    fc.assert(
      fc.property(fc.array(fc.nat(steps.length - 1), { minLength: 1, maxLength: 6 }), (walk) => {
        const reached = walk.sort((one, other) => one - other).map((step) => Object.assign({}, ...steps.slice(0, step + 1)) as Partial<DeviceFacts>);
        const states = reached.map((facts) => explainDevice(sent({ routed: false }), device(facts))?.state ?? 'unknown');
        const ranks = states.map((state) => deviceStates.indexOf(state));
        expect(ranks).toEqual([...ranks].sort((one, other) => other - one));
      }),
    );
  });

  test('nobody is told to have got what the log says was not for it, and the sending device is left out', () => {
    fc.assert(
      fc.property(anyMessage, anyDevice, (message, facts) => {
        const outcome = explainDevice(message, facts);
        if (facts.device === sender) expect(outcome).toBeUndefined();
        else if (facts.named) expect(['not-addressed', 'linked-later', 'joined-later']).not.toContain(outcome?.state);
        else if (message.recorded) expect([undefined, 'not-addressed', 'linked-later', 'joined-later']).toContain(outcome?.state);
      }),
    );
  });

  test('a state that has a time comes with it', () => {
    fc.assert(
      fc.property(anyMessage, anyDevice, (message, facts) => {
        const { state, sinceMs } = explainDevice(message, facts) ?? { state: 'unknown' };
        const timed = ['queued', 'withheld', 'expired', 'unlinked', 'linked-later', 'joined-later'].includes(state);
        expect(sinceMs !== undefined).toBe(timed);
      }),
    );
  });
});

test('an account is as far as the furthest of its devices', () => {
  expect(furthestOf([{ state: 'queued' }, { state: 'delivered' }, { state: 'not-addressed' }])).toBe('delivered');
  expect(furthestOf([{ state: 'joined-later' }])).toBe('joined-later');
  expect(() => furthestOf([])).toThrow(RangeError);
});
