import { randomBytes, randomInt } from 'node:crypto';

import type { Account, Accounts, DeviceKeys, DeviceList, Devices, NewDevice, OneTimePrekey, SignedPrekey } from '../../ports/accounts.js';
import type { Channels } from '../../ports/channels.js';
import type { DeviceLinks } from '../../ports/device-links.js';
import type { Conversations } from '../../ports/conversations.js';
import type { Groups } from '../../ports/groups.js';
import type { Media } from '../../ports/media.js';
import type { Prekeys } from '../../ports/prekeys.js';
import type { PushSubscriptions } from '../../ports/push-subscriptions.js';
import type { Privacy } from '../../ports/privacy.js';
import type { Removals } from '../../ports/removals.js';
import type { AccountId, DeviceAddress } from '../../protocol/ids.js';
import { deviceNumber, newAccountId } from './ids.js';

/** The ports of the directory on one store: what one writes, the others see. */
export interface DirectoryUnderTest {
  readonly accounts: Accounts;
  readonly devices: Devices;
  readonly deviceLinks: DeviceLinks;
  readonly prekeys: Prekeys;
  readonly conversations: Conversations;
  readonly groups: Groups;
  readonly channels: Channels;
  readonly pushSubscriptions: PushSubscriptions;
  readonly privacy: Privacy;
  readonly media: Media;
  readonly removals: Removals;
  /** A further device of any number, as if others had come and gone before. */
  addDevice(accountId: AccountId, device: NewDevice): Promise<void>;
  dispose(): Promise<void>;
}

export interface Registration {
  readonly account: Account;
  readonly device: NewDevice;
  readonly deviceList: DeviceList;
}

/** A key that nobody can open anything with: the directory sees bytes. */
export const ecPrekey = (keyId: number): OneTimePrekey => ({ keyId, publicKey: randomBytes(33) });
export const signedPrekey = (keyId: number): SignedPrekey => ({ keyId, publicKey: randomBytes(33), signature: randomBytes(64) });
export const kemPrekey = (keyId: number): SignedPrekey => ({ keyId, publicKey: randomBytes(1569), signature: randomBytes(64) });
export const deviceList = (version: number): DeviceList => ({ version, signature: randomBytes(64) });
/** Key ids from `first` on. */
export const keyIds = (count: number, first = 1): number[] => Array.from({ length: count }, (_, index) => first + index);

export function deviceKeys({ ec = 0, kem = 0 }: { readonly ec?: number; readonly kem?: number } = {}): DeviceKeys {
  return {
    signedPrekey: signedPrekey(9_001),
    kemLastResort: kemPrekey(9_002),
    ecPrekeys: keyIds(ec).map(ecPrekey),
    kemPrekeys: keyIds(kem).map(kemPrekey),
  };
}

export function newDevice(number: number, keys: DeviceKeys = deviceKeys()): NewDevice {
  return { deviceId: deviceNumber(number), registrationId: randomInt(1, 0x3fff), name: `device ${number}`, secretHash: randomBytes(32), keys };
}

/** An account that nobody has yet, with its device 1. */
export function newRegistration(keys: DeviceKeys = deviceKeys()): Registration {
  const accountId = newAccountId();
  return {
    account: { accountId, handle: `h${accountId.slice(0, 18)}`, identityKey: randomBytes(33), createdAtMs: 1_700_000_000_123 },
    device: newDevice(1, keys),
    deviceList: deviceList(1),
  };
}

/** Registers it; answers the address of its device. */
export async function register(accounts: Accounts, registration: Registration = newRegistration()): Promise<DeviceAddress> {
  const { account, device, deviceList: list } = registration;
  await accounts.create(account, device, list);
  return { accountId: account.accountId, deviceId: device.deviceId };
}
