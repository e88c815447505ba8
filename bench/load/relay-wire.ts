import { randomBytes } from 'node:crypto';

import { v7 } from 'uuid';

import type { RelayFrame } from '../relay-frames.js';
import type { FrameSink, Wire } from './wire.js';

const bodyBytes = 100;

/** The reference relay's protocol: JSON texts, bodies in base64url. The first four bytes of a body hold the message's number. */
export function createRelayWire(): Wire {
  return {
    subprotocol: undefined,
    hello: ({ accountId }, peer) => JSON.stringify({ type: 'hello', accountId, peerId: peer?.accountId ?? accountId }),
    messages: () => {
      const body = randomBytes(bodyBytes);
      return (number) => {
        body.writeUInt32BE(number);
        return JSON.stringify({ type: 'send', id: number, messageId: v7(), body: body.toString('base64url') });
      };
    },
    ack: (seq) => JSON.stringify({ type: 'ack', seq }),
    read,
  };
}

function read(data: Buffer, sink: FrameSink): void {
  const frame = JSON.parse(data.toString('utf8')) as RelayFrame;
  switch (frame.type) {
    case 'accepted':
      sink.accepted(frame.id, frame.position);
      return;
    case 'deliver':
      sink.delivered(Buffer.from(frame.body, 'base64url').readUInt32BE());
      sink.toAck(frame.seq);
      return;
    case 'receipts':
      sink.receipted(frame.deliveredPosition);
      return;
    case 'welcome':
      sink.welcomed(true);
      return;
  }
}
