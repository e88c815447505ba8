import { z } from 'zod';

import { bytes } from '../bytes.js';
import { memberRole, sealedTitle } from '../conversation-event.js';
import { accountId, blobId, conversationId, deviceAddress, deviceId, isGroupId, messageId, position, registrationId } from '../ids.js';
import { limits } from '../limits.js';
import { receiptItem } from '../server-frames.js';
import { numberText } from './number-text.js';

const inviteSecret = bytes(32, 16);

/** The direct conversation with another account, the same one however often it is asked for; or a group under an id that the device made (UUID v7). */
export const newConversation = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('direct'), peer: accountId }),
  z.strictObject({
    kind: z.literal('group'),
    conversationId: conversationId.refine(isGroupId, 'must be a UUID v7'),
    /** Without the account that makes it, which owns it. */
    members: z.array(accountId).max(limits.maxGroupMembers),
    title: sealedTitle.optional(),
  }),
]);

export const newTitle = z.strictObject({ title: sealedTitle });
export const newMembers = z.strictObject({ accounts: z.array(accountId).min(1).max(limits.maxGroupMembers) });
export const newRole = z.strictObject({ role: memberRole });
export const newInvite = z.strictObject({
  /** From now. */
  lifetimeMs: z.number().int().min(1_000).max(limits.maxInviteLifetimeMs),
});
/** Whoever brings the secret becomes a member: it belongs into a link. */
export const invite = z.strictObject({ secret: inviteSecret, expiresAtMs: z.number().int() });
export const joinRequest = z.strictObject({ secret: inviteSecret });

const memberView = z.strictObject({
  accountId,
  role: memberRole,
  devices: z.array(z.strictObject({ deviceId, registrationId })),
});

/** A conversation with its roster: whom to seal a message for. */
export const conversationView = z.strictObject({
  conversationId,
  kind: z.enum(['direct', 'group', 'channel']),
  createdAtMs: z.number().int(),
  title: sealedTitle.optional(),
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
  title: sealedTitle.optional(),
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
  /** Of a message sealed, its key is on the devices; of an event JSON (protocol/conversation-event.ts). */
  body: bytes(limits.maxBodyBytes).optional(),
  media: z.array(blobId).optional(),
  ttlSeconds: z.number().int().optional(),
});

/** Newest first, unless only `after` was given: then oldest first. */
export const historyPage = z.strictObject({ items: z.array(historyMessage) });
export type HistoryPage = z.infer<typeof historyPage>;

export const receiptsView = z.strictObject({ items: z.array(receiptItem) });
