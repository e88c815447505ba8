import type { AccountId, ConversationId, DeviceAddress, DeviceId, RemovalId } from '../protocol/ids.js';

export interface Account {
  readonly accountId: AccountId;
  /** Unique, lower case. */
  readonly handle: string;
  /** libsignal identity public key, 33 bytes; one for all devices of the account. */
  readonly identityKey: Uint8Array;
  readonly createdAtMs: number;
}

/** A prekey with the account's signature over its public bytes. */
export interface SignedPrekey {
  readonly keyId: number;
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
}

/** A one-time EC prekey carries no signature. */
export interface OneTimePrekey {
  readonly keyId: number;
  readonly publicKey: Uint8Array;
}

export interface DeviceKeys {
  readonly signedPrekey: SignedPrekey;
  readonly kemLastResort: SignedPrekey;
  readonly ecPrekeys: readonly OneTimePrekey[];
  readonly kemPrekeys: readonly SignedPrekey[];
}

/** The account's signature over its device list (sdk/encryption): the server keeps and shows it, clients verify it. */
export interface DeviceList {
  readonly version: number;
  readonly signature: Uint8Array;
}

export interface NewDevice {
  readonly deviceId: DeviceId;
  readonly registrationId: number;
  readonly name: string;
  /** SHA-256 of the device secret; the secret itself is not kept. */
  readonly secretHash: Uint8Array;
  readonly keys: DeviceKeys;
}

export interface Device {
  readonly deviceId: DeviceId;
  readonly registrationId: number;
  readonly name: string;
  readonly createdAtMs: number;
  readonly lastSeenAtMs?: number | undefined;
}

/** An account as it was at one moment: the list's signature is over just these devices. */
export interface AccountWithDevices extends Account {
  readonly deviceList: DeviceList;
  /** The active ones, by their numbers. */
  readonly devices: readonly Device[];
}

/**
 * Accounts and their devices. Strongly consistent: what resolved is seen by every later call.
 * Throws DomainError: `conflict` (handle taken), `not_found`, `unavailable`.
 */
export interface Accounts {
  /**
   * Account, first device and its prekeys in one transaction. Idempotent: the same account id, handle, identity key and secret answer what was stored first;
   * `conflict` when the id or the handle belongs to anybody else.
   */
  create(account: Account, device: NewDevice, deviceList: DeviceList): Promise<{ readonly account: Account; readonly created: boolean }>;
  byId(accountId: AccountId): Promise<AccountWithDevices | undefined>;
  byHandle(handle: string): Promise<AccountWithDevices | undefined>;
}

/** Devices are never reused: a removed device's number stays taken. */
export interface Devices {
  /** `undefined`: no such active device. */
  secretHash(device: DeviceAddress): Promise<Uint8Array | undefined>;
  isActive(device: DeviceAddress): Promise<boolean>;
  /**
   * Marks it revoked, drops its prekeys and its push subscription, stores the list of those that stay, raises the version of the account's conversations and begins its removal (ports/removals.ts),
   * in one transaction; answers those conversations.
   * `not_found` if it is not active, `conflict` if the list is not newer than the stored one.
   */
  revoke(
    device: DeviceAddress,
    deviceList: DeviceList,
    atMs: number,
  ): Promise<{ readonly conversationIds: readonly ConversationId[]; readonly removalId: RemovalId }>;
  /** An older time than the known one changes nothing. Answers the known one, `undefined` if the device was never there. */
  seen(device: DeviceAddress, atMs: number): Promise<number | undefined>;
  /** The latest of each account's devices, in the order given; `undefined` if none of them was ever there. */
  lastSeen(accounts: readonly AccountId[]): Promise<readonly (number | undefined)[]>;
}
