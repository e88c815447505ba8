import { randomBytes } from 'node:crypto';

import { Packr } from 'msgpackr';
import { v7 } from 'uuid';

import { subprotocols } from '../../protocol/encoding.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import { FrameTemplate } from './frame-template.js';
import type { FrameSink, LoadPair, Wire } from './wire.js';

const bodyBytes = 100;
/** A ratchet message that carries a content key (docs/encryption.md). */
const envelopeBytes = 169;
const ratchetMessage = 2;

/** Needs all 32 bits, so that msgpack gives its place the width that every number fits into. */
const numberMarker = 0xf1e2d3c4;
const idMarker = 'ffffffff-ffff-7fff-bfff-ffffffffffff';

const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true });

/**
 * Heliograph's own protocol, msgpack. Bodies and envelopes are random bytes of the sizes that encryption makes:
 * the server cannot tell the difference. The first four bytes of a body hold the message's number.
 */
export function createHeliographWire(): Wire {
  const ack = new FrameTemplate(packr.pack({ type: 'ack', seq: numberMarker }));
  const ackSeq = ack.hole(uint32(numberMarker));
  let connection = Date.now();
  return {
    subprotocol: subprotocols.msgpack,
    hello: ({ token }) => {
      connection += 1;
      return packr.pack({ type: 'hello', token, connection, device: { name: 'load generator', version: '1' } });
    },
    messages,
    ack: (seq) => {
      const frame = ack.copy();
      frame.writeUInt32BE(seq, ackSeq.offset);
      return frame;
    },
    read,
  };
}

function messages({ conversationId, rosterDigest, receiver }: LoadPair) {
  const { accountId, deviceId, registrationId } = receiver;
  const bodyMarker = randomBytes(8);
  const body = Buffer.concat([bodyMarker, randomBytes(bodyBytes - bodyMarker.byteLength)]);
  const template = new FrameTemplate(
    packr.pack({
      type: 'send',
      id: numberMarker,
      messageId: idMarker,
      conversationId,
      rosterDigest,
      kind: 'message',
      body,
      envelopes: [{ to: { accountId, deviceId, registrationId }, type: ratchetMessage, content: randomBytes(envelopeBytes) }],
      attempt: 1,
      strategy: 'strict',
    }),
  );
  const id = template.hole(uint32(numberMarker));
  const messageId = template.hole(Buffer.from(idMarker));
  const numberInBody = template.hole(bodyMarker);
  return (number: number) => {
    const frame = template.copy();
    frame.writeUInt32BE(number, id.offset);
    frame.write(v7(), messageId.offset, 'latin1');
    frame.writeUInt32BE(number, numberInBody.offset);
    return frame;
  };
}

function read(data: Buffer, sink: FrameSink): void {
  const frame = packr.unpack(data) as ServerFrame;
  if (isPassedOver(frame)) return;
  switch (frame.type) {
    case 'accepted':
      sink.accepted(frame.id, frame.position);
      return;
    case 'deliver':
      readDeliver(frame, sink);
      return;
    case 'receipts':
      readReceipts(frame, sink);
      return;
    case 'welcome':
      sink.welcomed(frame.inbox === 'empty');
      return;
    case 'inbox.empty':
      sink.welcomed(true);
      return;
    case 'error':
      sink.refused(frame.code, frame.id);
      return;
    case 'reconnect':
    case 'gap':
      sink.refused(frame.type, undefined);
  }
}

/** Replies to pings, and what is about people. */
const passedOver = ['ok', 'prekeys.low', 'typing', 'presence', 'channel.head', 'channel.left'] as const;

function isPassedOver(frame: ServerFrame): frame is Extract<ServerFrame, { type: (typeof passedOver)[number] }> {
  return (passedOver as readonly string[]).includes(frame.type);
}

function readDeliver({ seq, items }: Extract<ServerFrame, { type: 'deliver' }>, sink: FrameSink): void {
  for (const { body } of items) if (body !== undefined) sink.delivered(numberOf(body));
  sink.toAck(seq);
}

function readReceipts({ items }: Extract<ServerFrame, { type: 'receipts' }>, sink: FrameSink): void {
  for (const { deliveredPosition } of items) if (deliveredPosition !== undefined) sink.receipted(deliveredPosition);
}

/** The generator's own number of a message, which its body begins with. */
export function numberOf(body: Uint8Array): number {
  return new DataView(body.buffer, body.byteOffset, 4).getUint32(0);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
