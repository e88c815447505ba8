import type { AccountId, ConversationId } from '../protocol/ids.js';
import type { PrivacySettings } from '../protocol/rest/privacy.js';

/** Somebody who would see whether an account is online. */
export interface Viewing {
  readonly viewer: AccountId;
  readonly accountId: AccountId;
}

export interface Block {
  readonly accountId: AccountId;
  readonly blockedAtMs: number;
}

/**
 * What accounts show of themselves, and whom they blocked. Strongly consistent; rosters (ports/conversations.ts) say the same, so whoever changes something here announces the conversations
 * that it concerns. Throws DomainError `not_found` (an account), `too_large` (more than 1,000 blocks), `unavailable`.
 */
export interface Privacy {
  settings(accountId: AccountId): Promise<PrivacySettings>;
  /** Answers the conversations whose rosters are others now. */
  change(accountId: AccountId, settings: PrivacySettings): Promise<readonly ConversationId[]>;
  /** Answers whether it changed anything. */
  block(accountId: AccountId, other: AccountId, nowMs: number): Promise<boolean>;
  /** Answers whether it changed anything. */
  unblock(accountId: AccountId, other: AccountId): Promise<boolean>;
  /**
   * Whether the viewer may see the account, in the order given: `lastSeen` of each admits the other, and neither blocked the other. Contacts of an account are those to whom
   * it opened a direct conversation. One sees oneself; nobody sees an account that is not there.
   */
  mayView(viewings: readonly Viewing[]): Promise<readonly boolean[]>;
  /** Latest first. */
  blocks(accountId: AccountId): Promise<readonly Block[]>;
}
