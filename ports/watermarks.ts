import type { ExceptChange } from '../protocol/except.js';
import type { AccountId, ConversationId, DeviceId, Position } from '../protocol/ids.js';

/** How far a device got (`delivered`), and how far its account read there (`read`). `except`, if any: what is not on the device all the same. */
export interface Watermark {
  readonly conversationId: ConversationId;
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly delivered?: Position | undefined;
  readonly read?: Position | undefined;
  readonly except?: readonly Position[] | undefined;
}

/**
 * Idempotence key: (conversation, account, device). Monotone: a lower or absent position changes nothing, and what arrived is not excepted again by what comes before it in the log.
 * Visibility: a read that starts after `raise` resolved sees it.
 * Throws DomainError `unavailable` when the store is away.
 */
export interface Watermarks {
  raise(marks: readonly (Watermark & ExceptChange)[]): Promise<void>;
  /** Of everybody, or of one account. */
  of(conversations: readonly ConversationId[], accountId?: AccountId): Promise<readonly Watermark[]>;
}
