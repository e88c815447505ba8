import { z } from 'zod';

import { bytes } from '../bytes.js';
import { accountId, blobId, conversationId, deviceAddress, deviceId, messageId, position, registrationId } from '../ids.js';
import { limits } from '../limits.js';
import { receiptItem } from '../server-frames.js';
import { numberText } from './number-text.js';

/** The direct conversation with another account; the same one however often it is asked for. */
export const newConversation = z.strictObject({ kind: z.literal('direct'), peer: accountId });

const memberView = z.strictObject({
  accountId,
  role: z.enum(['owner', 'admin', 'member']),
  devices: z.array(z.strictObject({ deviceId, registrationId })),
});

/** A conversation with its roster: whom to seal a message for. */
export const conversationView = z.strictObject({
  conversationId,
  kind: z.enum(['direct', 'group', 'channel']),
  createdAtMs: z.number().int(),
  version: z.number().int(),
  /** What `send` names (core/roster.ts). */
  rosterDigest: z.string(),
  members: z.array(memberView),
});
export type ConversationView = z.infer<typeof conversationView>;

const conversationSummary = z.strictObject({
  conversationId,
  kind: z.enum(['direct', 'group', 'channel']),
  createdAtMs: z.number().int(),
  members: z.array(accountId),
});

/** A page in the order of the conversation ids. */
export const conversationPage = z.strictObject({
  items: z.array(conversationSummary),
  /** `after` of the next page; missing on the last one. */
  next: conversationId.optional(),
});

export const conversationQuery = z.strictObject({
  after: conversationId.optional(),
  limit: numberText(z.number().int().min(1).max(100)).default(50),
});

export const historyQuery = z.strictObject({
  /** Exclusive. */
  before: numberText(position).optional(),
  /** Exclusive. */
  after: numberText(position).optional(),
  limit: numberText(z.number().int().min(1).max(limits.maxHistoryPage)).default(50),
});

const historyMessage = z.strictObject({
  conversationId,
  position,
  messageId,
  kind: z.enum(['message', 'event']),
  sender: deviceAddress,
  acceptedAtMs: z.number(),
  /** Sealed; its key is on the devices. */
  body: bytes(limits.maxBodyBytes).optional(),
  media: z.array(blobId).optional(),
  ttlSeconds: z.number().int().optional(),
});

/** Newest first, unless only `after` was given: then oldest first. */
export const historyPage = z.strictObject({ items: z.array(historyMessage) });
export type HistoryPage = z.infer<typeof historyPage>;

export const receiptsView = z.strictObject({ items: z.array(receiptItem) });
