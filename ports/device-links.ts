import type { Account, AccountWithDevices, DeviceList, NewDevice } from './accounts.js';
import type { AccountId, ConversationId, DeviceId, LinkId } from '../protocol/ids.js';

/** A mailbox that a device opened which wants to belong to an account. */
export interface DeviceLink {
  readonly linkId: LinkId;
  /** SHA-256 of the secret that the device proves itself with, now and later. */
  readonly secretHash: Uint8Array;
  readonly expiresAtMs: number;
}

/** What a device of the account put into it. */
export interface AnsweredLink {
  readonly sealed: Uint8Array;
  readonly account: AccountWithDevices;
  /** What the device is to have: the lowest number that no device of the account ever had. Missing when the account has all the devices it may have. */
  readonly deviceId: DeviceId | undefined;
}

export interface LinkedDevice {
  readonly account: Account;
  readonly deviceId: DeviceId;
  readonly createdAtMs: number;
  readonly created: boolean;
  /** Those whose roster it changed. */
  readonly conversationIds: readonly ConversationId[];
}

/**
 * Mailboxes by which devices join an account. Strongly consistent.
 * Throws DomainError: `not_found` for a link that is not there, has expired, or belongs to another secret; `unavailable`.
 */
export interface DeviceLinks {
  /** Drops what has expired. The same id with the same secret again changes nothing; `conflict` with another one. */
  open(link: DeviceLink, nowMs: number): Promise<void>;
  /** `conflict` if another account answered it, or the account has all the devices it may have. An account's later answer replaces its first one. */
  answer(linkId: LinkId, accountId: AccountId, sealed: Uint8Array, nowMs: number): Promise<void>;
  /** `undefined`: nobody has answered yet. */
  answerOf(link: Pick<DeviceLink, 'linkId' | 'secretHash'>, nowMs: number): Promise<AnsweredLink | undefined>;
  /**
   * Makes the device one of the account that answered, stores the list, raises the versions of the account's conversations and burns the link, in one transaction.
   * Until the link expires the same device again gets the first answer. `conflict` if its number is not the next one, the list is not newer than the stored one, or the account is full.
   */
  finish(linkId: LinkId, device: NewDevice, deviceList: DeviceList, nowMs: number): Promise<LinkedDevice>;
}
