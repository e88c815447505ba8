import { z } from 'zod';

import { bytes, bytesReplacer } from './bytes.js';
import { accountId } from './ids.js';
import { limits } from './limits.js';

export const memberRole = z.enum(['owner', 'admin', 'member']);
export type MemberRole = z.infer<typeof memberRole>;

/** Sealed by the devices: the server sees bytes. */
export const sealedTitle = bytes(limits.maxTitleBytes, 1);

const accounts = z.array(accountId).min(1).max(limits.maxGroupMembers);
/** Of the conversation after the change: a roster with the same version is up to date. */
const version = z.number().int().min(1);

/** A change of a group, or of a channel as far as it is told (title and roles), which the server tells to everybody in it: the body of an item of kind `event`, as JSON. Its `sender` is the device that changed it. */
export const conversationEvent = z.discriminatedUnion('type', [
  z
    .strictObject({ type: z.literal('created'), version, members: accounts, title: sealedTitle.optional() })
    .describe('The group was made by the sender, who owns it.'),
  z.strictObject({ type: z.literal('members-added'), version, members: accounts }).describe('The sender added them.'),
  z.strictObject({ type: z.literal('member-joined'), version, member: accountId }).describe('The sender joined by the invite.'),
  z.strictObject({ type: z.literal('member-removed'), version, member: accountId }).describe('The sender removed somebody, who hears of it too.'),
  z
    .strictObject({ type: z.literal('member-left'), version, member: accountId, owner: accountId.optional() })
    .describe('The sender left; `owner` owns the group now, if the sender did.'),
  z
    .strictObject({ type: z.literal('role-changed'), version, member: accountId, role: memberRole })
    .describe('A sender who made somebody else the owner is an admin now.'),
  z.strictObject({ type: z.literal('title-changed'), version, title: sealedTitle }).describe('The sender changed the title.'),
]);
export type ConversationEvent = z.infer<typeof conversationEvent>;

export function encodeEvent(event: ConversationEvent): Uint8Array {
  return Buffer.from(JSON.stringify(event, bytesReplacer));
}

/** `undefined` for an event that this version does not know, and without a body. */
export function decodeEvent(body: Uint8Array | undefined): ConversationEvent | undefined {
  if (body === undefined) return undefined;
  try {
    return conversationEvent.parse(JSON.parse(Buffer.from(body).toString('utf8')));
  } catch {
    return undefined;
  }
}
