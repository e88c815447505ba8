import { z } from 'zod';

import { accountId, conversationId, deviceAddress, deviceId, messageId, position } from '../ids.js';
import { itemKind } from '../server-frames.js';

const timeMs = z.number().int();
const offset = z.number().int().min(0);

/** From the furthest on, as operators see them. `sinceMs` of an outcome says since when, where there is such a time. */
export const deviceStates = [
  'read',
  'delivered',
  'queued',
  /** Kept from this device, which answers and did not ack it on two connections. */
  'quarantined',
  /** Its account blocked the sender. */
  'withheld',
  'routing',
  'expired',
  'unlinked',
  'not-addressed',
  'linked-later',
  'joined-later',
  'unknown',
] as const;
export type DeviceState = (typeof deviceStates)[number];

/** As the sender sees them: a block does not show. */
export const outcomeStates = deviceStates.filter((state) => state !== 'withheld');
export type OutcomeState = (typeof outcomeStates)[number];

/** When it was queued, expired, unlinked, linked or joined. */
const sinceMs = timeMs.optional();

const message = {
  messageId,
  conversationId,
  position,
  /** It is in the log and in History since then, or a moment later. */
  acceptedAtMs: timeMs,
  /** Of a channel: its members pull it, and nobody keeps who did, so no account is named. */
  pulled: z.literal(true).optional(),
};

/** Where a message is for each account of its conversation and each of their devices, except the one that sent it. An account's state is that of its device that is furthest. */
export const explanation = z.strictObject({
  ...message,
  accounts: z.array(
    z.strictObject({
      accountId,
      state: z.enum(outcomeStates),
      devices: z.array(z.strictObject({ deviceId, state: z.enum(outcomeStates), sinceMs })),
    }),
  ),
});
export type Explanation = z.infer<typeof explanation>;

/** How far a consumer group is in the partition of the conversation: everything below `committed` is done. */
const groupProgress = z.strictObject({ topic: z.enum(['messages', 'receipts']), group: z.string(), committed: offset, end: offset });

const deviceDetail = z.strictObject({
  deviceId,
  state: z.enum(deviceStates),
  sinceMs,
  createdAtMs: timeMs,
  revokedAtMs: timeMs.optional(),
  /** Of its account, if it is a member now. */
  joinedAtMs: timeMs.optional(),
  /** Of its row in the inbox. */
  queuedAtMs: timeMs.optional(),
  deliveredPosition: position.optional(),
  readPosition: position.optional(),
  session: z.strictObject({ gatewayId: z.string(), sessionEpoch: z.number().int() }).optional(),
});

/** The same for an operator, with what it was derived from. Nothing of the message's content. */
export const explanationDetail = z.strictObject({
  ...message,
  kind: itemKind,
  sender: deviceAddress,
  expiresAtMs: timeMs.optional(),
  epoch: z.number().int(),
  partition: z.number().int(),
  offset,
  /** Whether the log still has the record, which names the devices; else they are those that the conversation had. */
  recorded: z.boolean(),
  groups: z.array(groupProgress),
  /** Whether the session registry answered. */
  registry: z.enum(['ok', 'away']),
  accounts: z.array(z.strictObject({ accountId, state: z.enum(deviceStates), devices: z.array(deviceDetail) })),
});
export type ExplanationDetail = z.infer<typeof explanationDetail>;
