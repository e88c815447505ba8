import { z } from 'zod';

import { bytes } from '../bytes.js';
import { memberRole, sealedTitle } from '../conversation-event.js';
import { accountId, conversationId, deviceId, isChannelId, registrationId } from '../ids.js';
import { limits } from '../limits.js';
import { numberText } from './number-text.js';

/** The keys of the epochs before, sealed under the key of the newest: the server sees bytes. */
const keyring = bytes(limits.maxKeyringBytes, 1);

/** Of the channel's key; the first is 1. */
const epoch = z.number().int().min(1);

/** Under an id that the device made (UUID v8). Whoever makes it owns it. */
export const newChannel = z.strictObject({
  conversationId: conversationId.refine(isChannelId, 'must be a UUID v8'),
  title: sealedTitle,
  keyring,
});

export const newChannelKey = z.strictObject({
  /** One more than that of the key before. */
  epoch,
  keyring,
});

/** A channel as one of its members sees it. */
export const channelView = z.strictObject({
  conversationId,
  createdAtMs: z.number().int(),
  title: sealedTitle,
  version: z.number().int(),
  role: memberRole,
  memberCount: z.number().int(),
  epoch,
  keyring,
});
export type ChannelView = z.infer<typeof channelView>;

export const channelMembersQuery = z.strictObject({
  /** `staff`: the owner and the admins, whom every member may know. */
  who: z.enum(['all', 'staff']).default('all'),
  after: accountId.optional(),
  limit: numberText(z.number().int().min(1).max(1_000)).default(100),
});

/** A page in the order of the account ids. */
export const channelMembersPage = z.strictObject({
  items: z.array(z.strictObject({ accountId, role: memberRole })),
  /** `after` of the next page; missing on the last one. */
  next: accountId.optional(),
});

/** With the devices that keys can be sealed for. */
export const channelMember = z.strictObject({
  accountId,
  role: memberRole,
  devices: z.array(z.strictObject({ deviceId, registrationId })),
});
