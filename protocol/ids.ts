import { v5, v7 } from 'uuid';
import { z } from 'zod';

/** A UUID in its lower-case text form, 36 characters. Which kind of thing it names is part of its type. */
const uuid = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'must be a lower-case UUID');

export const accountId = uuid.brand<'AccountId'>();
export type AccountId = z.infer<typeof accountId>;

export const conversationId = uuid.brand<'ConversationId'>();
export type ConversationId = z.infer<typeof conversationId>;

/** Made by the sending device (UUID v7), so a retry carries the same id. */
export const messageId = uuid.brand<'MessageId'>();
export type MessageId = z.infer<typeof messageId>;

/** Made by the device that wants to be linked (UUID v4). */
export const linkId = uuid.brand<'LinkId'>();
export type LinkId = z.infer<typeof linkId>;
export const removalId = uuid.brand<'RemovalId'>();
export type RemovalId = z.infer<typeof removalId>;

export const blobId = uuid.brand<'BlobId'>();
export type BlobId = z.infer<typeof blobId>;

/** 1..127 inside an account (libsignal's range); 1 is the primary device. Never reused. */
export const deviceId = z.number().int().min(1).max(127).brand<'DeviceId'>();
export type DeviceId = z.infer<typeof deviceId>;

/** libsignal registration id: 14 bits, new at every registration of a device. */
export const registrationId = z.number().int().min(1).max(0x3fff);

/** Where in a conversation's one order an item stands: `epoch * 2^48 + offset`, a safe integer (core/position.ts). */
export const position = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export type Position = number;

export const deviceAddress = z.strictObject({ accountId, deviceId });
export type DeviceAddress = z.infer<typeof deviceAddress>;

/** `account.device`, the key under which maps, limits and logs know a device. */
export function deviceKey(device: DeviceAddress): string {
  return `${device.accountId}.${device.deviceId}`;
}

/** What `deviceKey` wrote. Throws ZodError for anything else. */
export function parseDeviceKey(key: string): DeviceAddress {
  const [account, device] = key.split('.');
  return deviceAddress.parse({ accountId: account, deviceId: Number(device) });
}

const versionAt = 14;

/** Ids of groups are made by devices (UUID v7), those of channels too (v8), those of direct conversations computed (v5): none can be taken for the other, or taken away by it. */
export function isGroupId(id: ConversationId): boolean {
  return id[versionAt] === '7';
}

/** Ordered by time like v7. */
export function newChannelId(): ConversationId {
  const id = v7();
  return `${id.slice(0, versionAt)}8${id.slice(versionAt + 1)}` as ConversationId;
}

export function isChannelId(id: ConversationId): boolean {
  return id[versionAt] === '8';
}

const directConversationNamespace = '5f0c9d0e-6f4b-5d0a-9c55-3f1e7c1f4a10';

/** The id of the direct conversation of two accounts: UUID v5 over both ids in sorted order, so both sides compute the same. */
export function directConversationId(one: AccountId, other: AccountId): ConversationId {
  const [first, second] = one < other ? [one, other] : [other, one];
  return v5(`${first}:${second}`, directConversationNamespace) as ConversationId;
}
