import { z } from 'zod';

import { bytes } from '../bytes.js';
import { deviceId, registrationId, type AccountId, type DeviceId } from '../ids.js';

/** The account's own signature over its active devices (`deviceListBytes`): the server cannot add a device that nobody signed. */
export const deviceList = z.strictObject({
  /** Higher with every change. */
  version: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  /** XEdDSA by the account's identity key, 64 bytes. */
  signature: bytes(64, 64),
});
export type DeviceList = z.infer<typeof deviceList>;

export interface ListedDevice {
  readonly deviceId: DeviceId;
  readonly registrationId: number;
}

/** What a device list's signature covers: `heliograph/devices/v1`, NUL, account id, version and a line `device:registration` for each device by number, divided by newlines. */
export function deviceListBytes(accountId: AccountId, version: number, devices: readonly ListedDevice[]): Uint8Array {
  const lines = [...devices].sort((one, other) => one.deviceId - other.deviceId).map((device) => `${device.deviceId}:${device.registrationId}`);
  return Buffer.from(`heliograph/devices/v1\0${[accountId, version, ...lines].join('\n')}`);
}

const deviceView = z.strictObject({
  deviceId,
  registrationId,
  name: z.string(),
  createdAtMs: z.number().int(),
  /** Last time it connected; missing if it never did. */
  lastSeenAtMs: z.number().int().optional(),
});

/** The devices of one's own account. */
export const deviceViews = z.strictObject({ items: z.array(deviceView), deviceList });

/** Of `waiting` in an answer. */
export const maxWaitingCounted = 1_000;

/** What a device did not get yet. */
export const deviceDrain = z.strictObject({
  /** Items of its inbox, counted up to 1,000. */
  waiting: z.number().int().min(0).max(maxWaitingCounted),
  /** There are more than were counted. */
  more: z.boolean(),
  /** Since when the one that was queued first waits, of those that were counted; missing when nothing does. */
  oldestQueuedAtMs: z.number().int().optional(),
});

/** With the removal of a device comes the list of those that stay. */
export const deviceRemoval = z.strictObject({ deviceList });
