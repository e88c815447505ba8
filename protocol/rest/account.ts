import { z } from 'zod';

import { bytes } from '../bytes.js';
import { accountId, deviceId, registrationId } from '../ids.js';
import { deviceList } from './device.js';
import { prekeySet } from './prekey.js';
import { privacySettings } from './privacy.js';

/** Lower-case letters, digits, dot, dash and underscore; begins and ends with a letter or digit. */
export const handle = z
  .string()
  .min(3)
  .max(32)
  .regex(/^[a-z0-9][a-z0-9._-]*[a-z0-9]$/, 'must be 3 to 32 of a-z 0-9 . _ - and begin and end with a letter or digit');

/** libsignal's serialization of a Curve25519 public key: 0x05, then 32 bytes. */
const identityKey = bytes(33, 33);

/** What a device proves itself with: 32 random bytes that it made itself. The server keeps their SHA-256. */
export const deviceSecret = bytes(32, 32);

export const newDevice = z.strictObject({ name: z.string().min(1).max(64), registrationId, secret: deviceSecret, keys: prekeySet });
export type NewDevice = z.infer<typeof newDevice>;

/**
 * A new account with its first device, which is number 1. The device makes the account id (UUID v7) and its own secret, so that a registration whose answer was
 * lost can be repeated: the same id, handle and secret give the same answer.
 */
export const newAccount = z.strictObject({
  accountId,
  handle,
  identityKey,
  device: newDevice,
  /** Of version 1, over device 1. */
  deviceList,
  /** What the operator wants to see before somebody may register (docs/operations.md); servers that let anybody in want none. */
  proof: z.string().min(1).max(8_192).optional(),
});
export type NewAccount = z.infer<typeof newAccount>;

export const registered = z.strictObject({ accountId, deviceId, handle, createdAtMs: z.number().int() });

/** What others may know of an account. The device list's signature is for the devices named here. */
export const accountView = z.strictObject({
  accountId,
  handle,
  identityKey,
  devices: z.array(z.strictObject({ deviceId, registrationId })),
  deviceList,
});
export type AccountView = z.infer<typeof accountView>;

/** An account as it sees itself. */
export const ownAccountView = z.strictObject({ ...accountView.shape, privacy: privacySettings });

/** Asks for a token. */
export const tokenRequest = z.strictObject({ accountId, deviceId, secret: deviceSecret });

export const issuedToken = z.strictObject({ token: z.string(), expiresAtMs: z.number().int() });
export type IssuedToken = z.infer<typeof issuedToken>;
