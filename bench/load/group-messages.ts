import { randomBytes } from 'node:crypto';

import { Packr } from 'msgpackr';
import { v7 } from 'uuid';

import type { Encoded, LoadDevice } from './wire.js';

/** What a sender key makes of a content key. */
const envelopeBytes = 190;
const senderKeyMessage = 7;
const bodyBytes = 100;
const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true });

/** A group, and the devices of its members. */
export interface LoadGroup {
  readonly conversationId: string;
  readonly rosterDigest: string;
  readonly sender: LoadDevice;
  readonly receivers: readonly LoadDevice[];
}

/** A message for all of a group, with random bytes of the sizes that encryption makes. The first four bytes of the body hold its number. */
export function groupMessage({ conversationId, rosterDigest }: LoadGroup, number: number): Encoded {
  const body = randomBytes(bodyBytes);
  body.writeUInt32BE(number);
  const envelope = { type: senderKeyMessage, content: randomBytes(envelopeBytes) };
  const place = { messageId: v7(), conversationId, rosterDigest };
  return packr.pack({ type: 'send', id: number, ...place, kind: 'message', body, envelopes: [], envelope, attempt: 1, strategy: 'strict' });
}
