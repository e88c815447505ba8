import { z } from 'zod';

import { blobId, conversationId, linkId, messageId, position } from '../../protocol/ids.js';
import { packr } from '../packr.js';

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);

/** What a `keys` message says to the device that opens it. It names its conversation itself: the server could move it to another one. */
const keyNote = z.discriminatedUnion('type', [
  /** The session is there: nothing else. */
  z.object({ type: z.literal('empty') }),
  /** Opens what the sender seals for the group from now on. */
  z.object({ type: z.literal('sender-key'), conversationId, distribution: bytes, groupKey: bytes.optional() }),
  /** The sender of this note cannot open what the other seals for the group. */
  z.object({ type: z.literal('sender-key-wanted'), conversationId }),
  /** Opens one message of the sender's account, which the device that it is for missed or could not open. */
  z.object({ type: z.literal('content-key'), conversationId, messageId, position, key: bytes, digest: bytes }),
  /** The sender of this note lacks what opens that message. */
  z.object({ type: z.literal('content-key-wanted'), conversationId, messageId, position }),
  /** Opens what is posted in the channel in this epoch. */
  z.object({ type: z.literal('channel-key'), conversationId, epoch: z.number().int().min(1), key: bytes }),
  /** The sender of this note has not got the newest key of the channel. */
  z.object({ type: z.literal('channel-key-wanted'), conversationId }),
  /** The sender of this note, a device of the same account, was just linked, and has nothing of what was said before. */
  z.object({ type: z.literal('history-wanted'), conversationId, linkId }),
  /** Where that is, and what opens it. */
  z.object({ type: z.literal('history'), conversationId, linkId, blobId, key: bytes, sha256: bytes, size: z.number().int().min(0) }),
]);
export type KeyNote = z.infer<typeof keyNote>;

/** `asks`: what it asks for waits in the outbox now. `content-key`, `channel-key`: one came that was not here. `history`: there is something to give or to fetch. */
export type TakenNote = 'asks' | 'content-key' | 'channel-key' | 'history' | undefined;

/** What stands for `empty`, also from versions that knew no other. */
const emptyNote = 1;
const packedNote = 2;

export function encodeNote(note: KeyNote): Uint8Array {
  return note.type === 'empty' ? Uint8Array.of(emptyNote) : Buffer.concat([Uint8Array.of(packedNote), packr.pack(note)]);
}

/** `undefined`: of a newer version, or malformed. */
export function decodeNote(plaintext: Uint8Array): KeyNote | undefined {
  if (plaintext[0] === emptyNote) return { type: 'empty' };
  if (plaintext[0] !== packedNote) return undefined;
  try {
    const parsed = keyNote.safeParse(packr.unpack(plaintext.subarray(1)));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
