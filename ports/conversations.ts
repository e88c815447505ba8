import type { Roster } from '../core/roster.js';
import type { AccountId, ConversationId, DeviceAddress } from '../protocol/ids.js';

export interface Conversation {
  readonly conversationId: ConversationId;
  readonly kind: 'direct' | 'group' | 'channel';
  readonly createdAtMs: number;
  /** Of a group, sealed by its devices. */
  readonly title?: Uint8Array | undefined;
  readonly members: readonly AccountId[];
}

/** A device that is or was active, times in ms. */
export interface DeviceLife {
  readonly device: DeviceAddress;
  readonly createdAtMs: number;
  readonly revokedAtMs?: number | undefined;
  /** When its account joined the conversation, if it is a member now. */
  readonly joinedAtMs?: number | undefined;
}

/**
 * Conversations and who is in them. Strongly consistent.
 * Throws DomainError: `not_found` (an account or conversation), `unavailable`.
 */
export interface Conversations {
  /** The direct conversation of two accounts; made if it does not exist, the same answer ever after. */
  ensureDirect(one: AccountId, other: AccountId, nowMs: number): Promise<{ readonly conversation: Conversation; readonly created: boolean }>;
  get(conversationId: ConversationId): Promise<Conversation | undefined>;
  /** Of one account, in the order of their ids, from after `cursor`. */
  list(accountId: AccountId, page: { readonly after?: ConversationId | undefined; readonly limit: number }): Promise<readonly Conversation[]>;
  /** Members with their active devices at the present version; `undefined` if there is no such conversation. */
  roster(conversationId: ConversationId): Promise<Roster | undefined>;
  /** Every device, also those that were revoked, of the members and of the other accounts that are named; by account and number. */
  deviceLives(conversationId: ConversationId, others: readonly AccountId[]): Promise<readonly DeviceLife[]>;
}
