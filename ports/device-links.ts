import type { Account, AccountWithDevices, DeviceList, NewDevice } from './accounts.js';
import type { AccountId, ConversationId, DeviceAddress, DeviceId, LinkId } from '../protocol/ids.js';
import type { HistoryStep, LinkStage } from '../protocol/rest/link.js';

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

/** A link that was answered. */
export interface LinkProgress {
  readonly stage: LinkStage;
  readonly answeredBy: DeviceAddress;
  /** Once it has joined. */
  readonly deviceId: DeviceId | undefined;
  readonly expiresAtMs: number;
}

/** What a device joins with. */
export interface Joining {
  readonly device: NewDevice;
  readonly deviceList: DeviceList;
  /** The link is under way until the device has what was said before. */
  readonly wantsHistory: boolean;
}

/**
 * Mailboxes by which devices join an account, and how far it is with those that were answered, until they are closed. Strongly consistent.
 * Throws DomainError: `not_found` for a link that is not there, has expired, or belongs to another secret; `unavailable`.
 */
export interface DeviceLinks {
  /** Drops what has expired without an answer. The same id with the same secret again changes nothing; `conflict` with another one, and once it is over. */
  open(link: DeviceLink, nowMs: number): Promise<void>;
  /** `conflict` if another account answered it, or the account has all the devices it may have. An account's later answer replaces its first one. */
  answer(linkId: LinkId, by: DeviceAddress, sealed: Uint8Array, nowMs: number): Promise<void>;
  /** `undefined`: nobody has answered yet. */
  answerOf(link: Pick<DeviceLink, 'linkId' | 'secretHash'>, nowMs: number): Promise<AnsweredLink | undefined>;
  /**
   * Makes the device one of the account that answered, stores the list, raises the versions of the account's conversations and burns the link, in one transaction.
   * Until the link expires the same device again gets the first answer. `conflict` if its number is not the next one, the list is not newer than the stored one, or the account is full.
   */
  finish(linkId: LinkId, joining: Joining, nowMs: number): Promise<LinkedDevice>;
  /** Also of one whose time to join is over. `undefined`: nobody answered it, or it was forgotten. */
  progress(linkId: LinkId, nowMs: number): Promise<LinkProgress | undefined>;
  /** What the device that answered, or the new one, says of the history; an earlier step than is known changes nothing. Throws `not_found` for any other device, and before the new one has joined. */
  tell(linkId: LinkId, by: DeviceAddress, step: HistoryStep): Promise<void>;
  /** The account takes its answer back. `conflict` once the device has joined; `not_found` for any other account. */
  cancel(linkId: LinkId, accountId: AccountId, nowMs: number): Promise<void>;
  /** As `progress`, for whoever follows it. */
  follow(linkId: LinkId, nowMs: number): Promise<LinkProgress | undefined>;
  /** Answered and not closed, and not followed since then. */
  unfollowed(sinceMs: number, limit: number): Promise<readonly { readonly linkId: LinkId; readonly accountId: AccountId }[]>;
  /** Its box is emptied, and nobody joins by it any more. Repeating it changes nothing. */
  close(linkId: LinkId, nowMs: number): Promise<void>;
  /** Those that were closed first, up to the limit; answers how many they were. */
  forget(closedBeforeMs: number, limit: number): Promise<number>;
}
