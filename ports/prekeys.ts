import type { AccountId, DeviceAddress, DeviceId } from '../protocol/ids.js';
import type { ListedDevice } from '../protocol/rest/device.js';
import type { DeviceKeys, DeviceList, OneTimePrekey, SignedPrekey } from './accounts.js';

export interface DevicePrekeyBundle {
  readonly deviceId: DeviceId;
  readonly registrationId: number;
  readonly signedPrekey: SignedPrekey;
  readonly ecPrekey?: OneTimePrekey | undefined;
  /** A one-time KEM prekey, or the last-resort one when none is left. */
  readonly kemPrekey: SignedPrekey;
  readonly kemIsLastResort: boolean;
}

export interface PrekeyBundle {
  readonly accountId: AccountId;
  readonly identityKey: Uint8Array;
  readonly deviceList: DeviceList;
  /** All active devices, which the list's signature covers. */
  readonly listed: readonly ListedDevice[];
  readonly devices: readonly DevicePrekeyBundle[];
}

export interface PrekeyCount {
  readonly ec: number;
  readonly kem: number;
}

/** A device that has to be told how few of its one-time keys are left. */
export interface ScarcePrekeys {
  readonly device: DeviceAddress;
  readonly left: PrekeyCount;
}

/** Key ids and public keys of what the server holds for a device: the device compares them with its own. */
export interface PrekeyDigestInput {
  readonly identityKey: Uint8Array;
  readonly signedPrekey: SignedPrekey;
  readonly kemLastResort: SignedPrekey;
}

export type KeyUpload = { readonly [Name in keyof DeviceKeys]?: DeviceKeys[Name] | undefined };

/**
 * Public prekeys. A one-time key is handed out at most once, also under concurrent claims; claiming is one transaction per bundle.
 * Throws DomainError: `not_found`, `too_large`, `unavailable`.
 */
export interface Prekeys {
  /**
   * Adds one-time keys, replaces signed and last-resort keys that are given; answers what is there then. Idempotent by key id, also for keys that were handed out since, for some thousand ids back.
   * `too_large`, and nothing is kept, above `limits.maxPrekeysPerUpload` stored keys of a kind.
   */
  upload(device: DeviceAddress, keys: KeyUpload): Promise<PrekeyCount>;
  count(device: DeviceAddress): Promise<PrekeyCount>;
  current(device: DeviceAddress): Promise<PrekeyDigestInput>;
  /** One bundle for each active device of the account, or for one of them. */
  claim(accountId: AccountId, deviceId?: DeviceId): Promise<PrekeyBundle>;
  /**
   * For after a claim: devices of the account whose keys became scarcer than they were told before (core/prekey-scarcity.ts). Each degree is answered once, also to concurrent
   * callers, until an upload makes the keys less scarce.
   */
  newlyScarce(accountId: AccountId): Promise<readonly ScarcePrekeys[]>;
}
