import type { DeviceLife } from '../core/device-life.js';
import type { Roster } from '../core/roster.js';
import type { AccountId, ConversationId } from '../protocol/ids.js';

export interface Conversation {
  readonly conversationId: ConversationId;
  readonly kind: 'direct' | 'group' | 'channel';
  readonly createdAtMs: number;
  /** Of a group, sealed by its devices. */
  readonly title?: Uint8Array | undefined;
  readonly members: readonly AccountId[];
}

/**
 * Conversations and who is in them. Strongly consistent.
 * Throws DomainError: `not_found` (an account or conversation), `unavailable`.
 */
export interface Conversations {
  /** The direct conversation of two accounts; made if it does not exist, the same answer ever after. `opened`: the first of them had not opened it before; the other one is a contact of it from now on. */
  ensureDirect(
    opener: AccountId,
    other: AccountId,
    nowMs: number,
  ): Promise<{ readonly conversation: Conversation; readonly created: boolean; readonly opened: boolean }>;
  get(conversationId: ConversationId): Promise<Conversation | undefined>;
  /** Of one account, in the order of their ids, from after `cursor`. */
  list(accountId: AccountId, page: { readonly after?: ConversationId | undefined; readonly limit: number }): Promise<readonly Conversation[]>;
  /** Members with their active devices at the present version; `undefined` if there is no such conversation. */
  roster(conversationId: ConversationId): Promise<Roster | undefined>;
  /** Of those that there are: the number that every change of members, roles, title or devices raises. */
  versions(conversationIds: readonly ConversationId[]): Promise<ReadonlyMap<ConversationId, number>>;
  /** Every device, also those that were revoked, of the members and of the other accounts that are named; by account and number. */
  deviceLives(conversationId: ConversationId, others: readonly AccountId[]): Promise<readonly DeviceLife[]>;
}
