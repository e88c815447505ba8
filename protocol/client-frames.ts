import { z } from 'zod';

import { bytes } from './bytes.js';
import { accountId, blobId, conversationId, deviceId, messageId, position, registrationId } from './ids.js';
import { limits } from './limits.js';

/** Number of a request, chosen by the client; its one reply carries it again. */
const id = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** What one device of a recipient needs to open a message. The registration id tells the server when it was sealed for a device that has since registered anew. */
export const envelope = z.strictObject({
  to: z.strictObject({ accountId, deviceId, registrationId }),
  /** The kind of ciphertext; the SDK's business. */
  type: z.number().int().min(0).max(255),
  content: bytes(limits.maxEnvelopeBytes),
});
export type Envelope = z.infer<typeof envelope>;

/** The same for every device of a group: what opens it they got in `keys`. */
const sharedEnvelope = envelope.omit({ to: true });

export const helloFrame = z.strictObject({
  type: z.literal('hello'),
  token: z.string().max(4096),
  /** A number that the device keeps and raises at every connect: the highest connection wins. */
  connection: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  device: z.strictObject({ name: z.string().max(64), version: z.string().max(32) }),
});
export type HelloFrame = z.infer<typeof helloFrame>;

export const sendFrame = z.strictObject({
  type: z.literal('send'),
  id,
  messageId,
  conversationId,
  /** Digest of the roster that the envelopes were made for (core/roster.ts). */
  rosterDigest: z.string().max(32),
  /** `message` is kept in history; `keys` carries envelopes only and is not. */
  kind: z.enum(['message', 'keys']),
  body: bytes(limits.maxBodyBytes).optional(),
  envelopes: z.array(envelope).max(limits.maxEnvelopes),
  /** Of a group message, instead of one for each device. */
  envelope: sharedEnvelope.optional(),
  media: z.array(blobId).max(limits.maxMediaPerMessage).optional(),
  ttlSeconds: z.number().int().min(1).max(limits.maxTtlSeconds).optional(),
  /** 1 for the first transmission of this messageId, then 2, 3 ... */
  attempt: z.number().int().min(1).max(1_000_000),
  /** `strict` refuses a device set that does not fit; `partial` accepts and reports. */
  strategy: z.enum(['strict', 'partial']),
});
export type SendFrame = z.infer<typeof sendFrame>;

export const ackFrame = z.strictObject({
  type: z.literal('ack'),
  /** Cumulative: everything delivered up to this number is durably stored by the device. */
  seq: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
});
export type AckFrame = z.infer<typeof ackFrame>;

export const readFrame = z.strictObject({
  type: z.literal('read'),
  id,
  conversationId,
  position,
  /** The accounts whose messages were read: they are told. */
  senders: z.array(accountId).max(limits.maxGroupMembers),
});
export type ReadFrame = z.infer<typeof readFrame>;

export const receiptsGetFrame = z.strictObject({
  type: z.literal('receipts.get'),
  id,
  conversations: z.array(conversationId).min(1).max(limits.maxReceiptConversations),
});
export type ReceiptsGetFrame = z.infer<typeof receiptsGetFrame>;

/** No reply. Too often, it is dropped without a word. */
export const typingFrame = z.strictObject({ type: z.literal('typing'), conversationId, state: z.enum(['started', 'stopped']) });
export type TypingFrame = z.infer<typeof typingFrame>;

const accounts = z.array(accountId).min(1).max(limits.maxWatches);
/** From now on the session is told whether these are online, at most 500 in all; also what they are now. */
export const watchFrame = z.strictObject({ type: z.literal('watch'), id, accounts });
export const unwatchFrame = z.strictObject({ type: z.literal('unwatch'), id, accounts });

export const tokenFrame = z.strictObject({ type: z.literal('token'), id, token: z.string().max(4096) });
export const pingFrame = z.strictObject({ type: z.literal('ping'), id });

export const clientFrame = z.discriminatedUnion('type', [
  helloFrame,
  sendFrame,
  ackFrame,
  readFrame,
  receiptsGetFrame,
  typingFrame,
  watchFrame,
  unwatchFrame,
  tokenFrame,
  pingFrame,
]);
export type ClientFrame = z.infer<typeof clientFrame>;
export type ClientRequest = Exclude<ClientFrame, { type: 'hello' | 'ack' | 'typing' }>;
