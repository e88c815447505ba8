import { randomUUID } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import { groupMessage } from '../../bench/load/group-messages.js';
import { createHeliographWire } from '../../bench/load/heliograph-wire.js';
import type { FrameSink, LoadDevice } from '../../bench/load/wire.js';
import { encodings, parseClientFrame } from '../../protocol/encoding.js';
import type { ServerFrame } from '../../protocol/server-frames.js';

const wire = createHeliographWire();

function device(): LoadDevice {
  return { accountId: randomUUID(), deviceId: 1, registrationId: 77, token: 'token' };
}

function pair() {
  return { conversationId: randomUUID(), rosterDigest: 'digest', sender: device(), receiver: device() };
}

function parsed(encoded: string | Uint8Array) {
  return parseClientFrame(encodings.msgpack, Buffer.from(encoded as Uint8Array));
}

/** Writes down what a frame was read as. */
function readAll(frame: unknown): readonly (readonly unknown[])[] {
  const calls: (readonly unknown[])[] = [];
  const note =
    (name: keyof FrameSink) =>
    (...args: readonly unknown[]): void => {
      calls.push([name, ...args]);
    };
  wire.read(Buffer.from(encodings.msgpack.encode(frame as ServerFrame) as Uint8Array), {
    welcomed: note('welcomed'),
    accepted: note('accepted'),
    delivered: note('delivered'),
    toAck: note('toAck'),
    receipted: note('receipted'),
    refused: note('refused'),
  });
  return calls;
}

describe('the generator on the Heliograph protocol', () => {
  test('sends for a group are valid frames with one envelope for all, and their number in the body', () => {
    const [sender, receiver] = [device(), device()];
    const group = { conversationId: randomUUID(), rosterDigest: 'digest', sender, receivers: [receiver] };
    const frame = parsed(groupMessage(group, 70_000));
    expect(frame).toMatchObject({ type: 'send', id: 70_000, conversationId: group.conversationId, envelopes: [], envelope: { type: 7 } });
    expect(frame.type === 'send' && Buffer.from(frame.body ?? []).readUInt32BE()).toBe(70_000);
  });

  test('hand-packed sends are valid frames, each with its own id and number', () => {
    const load = pair();
    const encode = wire.messages(load);
    const numbers = [1, 200, 70_000, 0xffff_ffff];
    const frames = numbers.map((number) => parsed(encode(number)));
    expect(frames.map((frame) => (frame.type === 'send' ? frame.id : undefined))).toEqual(numbers);
    expect(new Set(frames.map((frame) => (frame.type === 'send' ? frame.messageId : ''))).size).toBe(numbers.length);
    for (const frame of frames) {
      if (frame.type !== 'send') throw new Error(`a ${frame.type}`);
      const { accountId, deviceId, registrationId } = load.receiver;
      expect(frame).toMatchObject({ conversationId: load.conversationId, rosterDigest: 'digest', kind: 'message', strategy: 'strict', attempt: 1 });
      expect(frame.body?.byteLength).toBe(100);
      expect(frame.envelopes.map(({ to, content }) => [to, content.byteLength])).toEqual([[{ accountId, deviceId, registrationId }, 169]]);
    }
  });

  test('hello and ack are valid frames, and each hello has a higher connection', () => {
    const hellos = [1, 2].map(() => parsed(wire.hello(device(), undefined)));
    const connections = hellos.map((frame) => (frame.type === 'hello' ? frame.connection : 0));
    expect(connections[1]).toBeGreaterThan(connections[0] ?? Infinity);
    expect(parsed(wire.ack(9))).toEqual({ type: 'ack', seq: 9 });
  });

  test('the number of a message is found again in what the other device gets', () => {
    const load = pair();
    const frame = parsed(wire.messages(load)(4_711));
    const body = frame.type === 'send' ? frame.body : undefined;
    const items = [
      {
        conversationId: load.conversationId,
        position: 5,
        messageId: randomUUID(),
        kind: 'message',
        sender: { accountId: load.sender.accountId, deviceId: 1 },
        acceptedAtMs: 1,
        body,
      },
    ];
    expect(readAll({ type: 'deliver', seq: 3, items })).toEqual([
      ['delivered', 4_711],
      ['toAck', 3],
    ]);
  });

  test('receipts, acceptances and refusals are told apart', () => {
    expect(readAll({ type: 'receipts', items: [{ conversationId: 'c', accountId: 'a', deliveredPosition: 9 }] })).toEqual([['receipted', 9]]);
    expect(readAll({ type: 'accepted', id: 4, messageId: 'm', position: 2 ** 48 + 3, acceptedAtMs: 1 })).toEqual([['accepted', 4, 2 ** 48 + 3]]);
    expect(readAll({ type: 'error', id: 4, code: 'rate_limited', message: '' })).toEqual([['refused', 'rate_limited', 4]]);
    expect(readAll({ type: 'welcome', inbox: 'draining' })).toEqual([['welcomed', false]]);
    expect(readAll({ type: 'inbox.empty', drained: 3 })).toEqual([['welcomed', true]]);
  });
});
