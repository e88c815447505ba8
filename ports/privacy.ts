import type { AccountId, ConversationId } from '../protocol/ids.js';
import type { PrivacySettings } from '../protocol/rest/privacy.js';

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
  /** Latest first. */
  blocks(accountId: AccountId): Promise<readonly Block[]>;
}
