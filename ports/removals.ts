import type { RemovalCounts, RemovalKind } from '../core/removal-plan.js';
import type { AccountId, ConversationId, DeviceAddress, RemovalId } from '../protocol/ids.js';

export interface Removal {
  readonly removalId: RemovalId;
  readonly kind: RemovalKind;
  readonly begunAtMs: number;
  /** The unlinked device, or all that the account ever had; none once an account's removal is finished. */
  readonly devices: readonly DeviceAddress[];
  readonly finished: { readonly atMs: number; readonly removed: RemovalCounts } | undefined;
}

export interface ErasedAccount {
  readonly removalId: RemovalId;
  readonly devices: readonly DeviceAddress[];
  /** Whose rosters are others now. */
  readonly conversationIds: readonly ConversationId[];
}

/**
 * Devices that were unlinked (`Devices.revoke` begins that) and accounts that were erased, until nothing of them is left anywhere. Strongly consistent.
 * Throws DomainError `not_found`, `unavailable`.
 */
export interface Removals {
  /**
   * In one transaction: nobody finds the account any more, its handle is free, its devices are revoked, and their secrets, keys, names and push subscriptions are gone, as are its blocks and
   * the blocks of it. Its memberships and files are left to the removal that this begins.
   */
  eraseAccount(accountId: AccountId, nowMs: number): Promise<ErasedAccount>;
  /** Not finished, the earliest first. */
  open(limit: number): Promise<readonly Pick<Removal, 'removalId' | 'kind'>[]>;
  /** `undefined`: there never was one. */
  find(removalId: RemovalId): Promise<Removal | undefined>;
  /** What is finished already stays as it is. */
  finish(removalId: RemovalId, removed: RemovalCounts, nowMs: number): Promise<void>;
  /** Those that were finished first, up to the limit; answers how many they were. Nobody can ask for their receipts any more. */
  forget(finishedBeforeMs: number, limit: number): Promise<number>;
}
