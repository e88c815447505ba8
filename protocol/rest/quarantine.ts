import { z } from 'zod';

import { conversationId, deviceAddress, messageId, position } from '../ids.js';

export const quarantineQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(1_000).default(100) });

/** Items that are kept from devices which answer and do not ack them, in no order. */
export const quarantineList = z.strictObject({
  items: z.array(z.strictObject({ device: deviceAddress, messageId, conversationId, position, sinceMs: z.number().int() })),
});
export type QuarantineList = z.infer<typeof quarantineList>;

/** The devices that get the item again. */
export const quarantineRelease = z.strictObject({ messageId, devices: z.array(deviceAddress) });
export type QuarantineRelease = z.infer<typeof quarantineRelease>;
