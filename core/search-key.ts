import { createHash } from 'node:crypto';

import { deviceKey, type AccountId, type DeviceAddress } from '../protocol/ids.js';

const keyLength = 7;
const keySpace = 36 ** keyLength;

/**
 * What stands for a device in search attributes, where an operator can look for it but nobody can read whose it is: 7 characters of 0-9a-z from the
 * SHA-256 of `account.device`. Short because 200 of them have to fit the 2 KiB that Temporal allows one value; two devices that share a key only make a
 * search show a wave too many.
 */
export function deviceSearchKey(device: DeviceAddress): string {
  return searchKey(deviceKey(device));
}

/** The same for an account. */
export function accountSearchKey(accountId: AccountId): string {
  return searchKey(accountId);
}

function searchKey(name: string): string {
  const head = createHash('sha256').update(name).digest().readUIntBE(0, 6);
  return (head % keySpace).toString(36).padStart(keyLength, '0');
}
