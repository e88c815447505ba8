import { z } from 'zod';

import { bytes } from './bytes.js';
import { errorCodes, type ErrorCode } from './errors.js';
import { accountId, blobId, conversationId, deviceAddress, deviceId, messageId, position, registrationId } from './ids.js';
import { maxExcept } from './except.js';
import { limits } from './limits.js';
import { ticket } from './ticket.js';

const id = z.number().int().min(0);
const count = z.number().int().min(0);

export const welcomeFrame = z.strictObject({
  type: z.literal('welcome'),
  accountId,
  deviceId,
  sessionEpoch: z.number().int().describe("The device's own connection number."),
  gatewayId: z.string(),
  heartbeatMs: z.number(),
  limits: z.record(z.string(), z.number()),
  inbox: z.enum(['empty', 'draining']).describe('`draining`: items queued before this session follow, then `inbox.empty`.'),
  serverTimeMs: z.number(),
});

export const itemKind = z
  .enum(['message', 'keys', 'event', 'envelopes.wanted'])
  .describe('`message` and `event` are kept in history; `keys` and `envelopes.wanted` are for devices alone.');
export type ItemKind = z.infer<typeof itemKind>;

/** One thing in a conversation's order, as a device gets it. */
export const deliverItem = z.strictObject({
  conversationId,
  position,
  messageId,
  kind: itemKind,
  sender: deviceAddress,
  acceptedAtMs: z.number(),
  body: bytes(limits.maxBodyBytes).optional(),
  envelope: z.strictObject({ type: z.number().int().min(0).max(255), content: bytes(limits.maxEnvelopeBytes) }).optional(),
  media: z.array(blobId).optional(),
  ttlSeconds: z.number().int().optional(),
});
export type DeliverItem = z.infer<typeof deliverItem>;

export const deliverFrame = z.strictObject({ type: z.literal('deliver'), seq: z.number().int().min(1), items: z.array(deliverItem) });
export const inboxEmptyFrame = z.strictObject({ type: z.literal('inbox.empty'), drained: count });

/** Something that the device should have got and never will. Without a conversation: it was away for longer than inboxes keep what waits. */
export const gapFrame = z.strictObject({
  type: z.literal('gap'),
  conversationId: conversationId.optional(),
  reason: z.enum(['expired', 'quarantined', 'overflow']),
  from: position.optional(),
  to: position.optional(),
  messageIds: z.array(messageId).optional(),
});

/** Watermarks: everything in the conversation up to the position is on the device, or was read by the account, but `except`. */
export const receiptItem = z.strictObject({
  conversationId,
  accountId,
  deviceId: deviceId.optional(),
  deliveredPosition: position.optional(),
  readPosition: position.optional(),
  except: z
    .array(position)
    .max(maxExcept)
    .optional()
    .describe('Positions that are not on the device: they are in quarantine, or were until they expired.'),
});
export type ReceiptItem = z.infer<typeof receiptItem>;

/** What changed: positions rise, `except` is added to what is known. */
export const receiptChange = receiptItem.extend({
  arrived: z.array(position).max(maxExcept).optional().describe('Positions that were in `except`, and are on the device now.'),
});
export type ReceiptChange = z.infer<typeof receiptChange>;

export const receiptsFrame = z.strictObject({ type: z.literal('receipts'), items: z.array(receiptChange) });

/** Of an account that types in a conversation, or stopped. `started` holds for 10 s unless it comes again. */
export const typingNewsFrame = z.strictObject({ type: z.literal('typing'), conversationId, accountId, state: z.enum(['started', 'stopped']) });

/** Of an account that is watched: when it changes, and after `watch`. Whoever may not see it is told what is told of an account that was never there. */
export const presenceFrame = z.strictObject({
  type: z.literal('presence'),
  accountId,
  online: z.boolean(),
  lastSeenMs: z.number().optional().describe('When it went offline.'),
});

/** How far a channel that is watched is: everything up to the position is in its history. At most 5 a second for each channel; one may be lost. */
const channelHead = z.strictObject({ conversationId, position });
export type ChannelHead = z.infer<typeof channelHead>;
export const channelHeadFrame = z.strictObject({ type: z.literal('channel.head'), ...channelHead.shape });

/** The account was removed from a channel that is watched, or left it on another device. A hint that may be lost, or come late: to be asked for. */
export const channelLeftFrame = z.strictObject({ type: z.literal('channel.left'), conversationId });

const staleDevice = z.strictObject({ accountId, deviceId, registrationId });
/** How the envelopes of a send differ from the roster. */
export const rosterDifference = z.strictObject({
  rosterDigest: z.string(),
  missing: z.array(staleDevice),
  extra: z.array(deviceAddress),
  stale: z.array(staleDevice),
});
export type RosterDifference = z.infer<typeof rosterDifference>;

export const acceptedFrame = z.strictObject({
  type: z.literal('accepted'),
  id,
  messageId,
  position,
  acceptedAtMs: z.number(),
  roster: rosterDifference.optional().describe('Only for `strategy: partial`, when the device set did not fit.'),
});

export const okFrame = z.strictObject({
  type: z.literal('ok'),
  id,
  items: z.array(receiptItem).optional().describe('Of `receipts.get`.'),
  heads: z.array(channelHead).optional().describe('Of `channels.watch`; without those in which nothing was posted yet.'),
});

/** What is left of the device's one-time prekeys: it should upload more. Sent when they become few (`limits.prekeysLow`), and once more when a kind runs out. */
export const prekeysLowFrame = z.strictObject({ type: z.literal('prekeys.low'), ecRemaining: count, kemRemaining: count });

export const reconnectFrame = z.strictObject({
  type: z.literal('reconnect'),
  afterMs: z.number(),
  reason: z.enum(['draining', 'overloaded', 'rebalanced']),
  ticket: ticket.optional().describe('Of `overloaded`: to be shown in the next `hello`, which then comes before those who have not waited.'),
});

const codes = Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]];
export const errorFrame = z.strictObject({
  type: z.literal('error'),
  id: id.optional(),
  code: z.enum(codes),
  message: z.string(),
  retryAfterMs: z.number().optional(),
  detail: z.record(z.string(), z.unknown()).optional(),
});
export type ErrorFrame = z.infer<typeof errorFrame>;

export const serverFrame = z.discriminatedUnion('type', [
  welcomeFrame,
  deliverFrame,
  inboxEmptyFrame,
  gapFrame,
  receiptsFrame,
  typingNewsFrame,
  presenceFrame,
  channelHeadFrame,
  channelLeftFrame,
  acceptedFrame,
  okFrame,
  prekeysLowFrame,
  reconnectFrame,
  errorFrame,
]);
export type ServerFrame = z.infer<typeof serverFrame>;
