import { z } from 'zod';

import { bytes } from './bytes.js';
import { accountId, blobId, conversationId, deviceId, isChannelId, messageId, position, registrationId } from './ids.js';
import { limits } from './limits.js';
import { ticket } from './ticket.js';

/** Number of a request, chosen by the client; its one reply carries it again. */
const id = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** What one device of a recipient needs to open a message. The registration id tells the server when it was sealed for a device that has since registered anew. */
export const envelope = z.strictObject({
  to: z.strictObject({ accountId, deviceId, registrationId }),
  type: z.number().int().min(0).max(255).describe("The kind of ciphertext; the SDK's business."),
  content: bytes(limits.maxEnvelopeBytes),
});
export type Envelope = z.infer<typeof envelope>;

/** The same for every device of a group: what opens it they got in `keys`. */
const sharedEnvelope = envelope.omit({ to: true });

export const helloFrame = z.strictObject({
  type: z.literal('hello'),
  token: z.string().max(4096),
  connection: z
    .number()
    .int()
    .min(1)
    .max(Number.MAX_SAFE_INTEGER)
    .describe('A number that the device keeps and raises at every connect: the highest connection wins.'),
  device: z.strictObject({ name: z.string().max(64), version: z.string().max(32) }),
  ticket: ticket.optional().describe('Of the `reconnect` frame that said to come now.'),
});
export type HelloFrame = z.infer<typeof helloFrame>;

export const sendFrame = z.strictObject({
  type: z.literal('send'),
  id,
  messageId,
  conversationId,
  rosterDigest: z
    .string()
    .max(32)
    .describe(
      'Digest of the roster that the envelopes were made for (core/roster.ts); of a channel the number of the key that the post was sealed under.',
    ),
  kind: z.enum(['message', 'keys']).describe('`message` is kept in history; `keys` carries envelopes only and is not.'),
  body: bytes(limits.maxBodyBytes).optional(),
  envelopes: z.array(envelope).max(limits.maxEnvelopes),
  envelope: sharedEnvelope.optional().describe('Of a group message, instead of one for each device.'),
  media: z
    .array(blobId)
    .max(limits.maxMediaPerMessage)
    .optional()
    .describe('Files of the own account, each once: those whom the message is for may fetch them from now on.'),
  ttlSeconds: z.number().int().min(1).max(limits.maxTtlSeconds).optional(),
  attempt: z.number().int().min(1).max(1_000_000).describe('1 for the first transmission of this messageId, then 2, 3 ...'),
  strategy: z.enum(['strict', 'partial']).describe('`strict` refuses a device set that does not fit; `partial` accepts and reports.'),
});
export type SendFrame = z.infer<typeof sendFrame>;

export const ackFrame = z.strictObject({
  type: z.literal('ack'),
  seq: z
    .number()
    .int()
    .min(1)
    .max(Number.MAX_SAFE_INTEGER)
    .describe('Cumulative: everything delivered up to this number is durably stored by the device.'),
});
export type AckFrame = z.infer<typeof ackFrame>;

export const readFrame = z.strictObject({
  type: z.literal('read'),
  id,
  conversationId,
  position,
  senders: z.array(accountId).max(limits.maxGroupMembers).describe('The accounts whose messages were read: those who are members are told.'),
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

/** Instead of what was watched before: from now on the session is told how far these channels are. Answered with how far they are now. An empty list ends it. */
export const channelsWatchFrame = z.strictObject({
  type: z.literal('channels.watch'),
  id,
  conversations: z.array(conversationId.refine(isChannelId, 'must be of a channel (UUID v8)')).max(limits.maxChannelWatches),
});
export type ChannelsWatchFrame = z.infer<typeof channelsWatchFrame>;

/** The device has the bytes of a file that a message for it names. Once all such devices have it, it is deleted. */
export const mediaFetchedFrame = z.strictObject({ type: z.literal('media.fetched'), id, blobId });

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
  channelsWatchFrame,
  mediaFetchedFrame,
  tokenFrame,
  pingFrame,
]);
export type ClientFrame = z.infer<typeof clientFrame>;
export type ClientRequest = Exclude<ClientFrame, { type: 'hello' | 'ack' | 'typing' }>;
