import type { AccountId } from '../protocol/ids.js';

/** A device of the account came, or one left; others of it may be there all the same. */
export interface PresenceChange {
  readonly accountId: AccountId;
  readonly came: boolean;
}

/**
 * Tells gateways that watch an account of its changes: one message for each of these gateways, however many watch there.
 * Order and delivery are not promised, `tell` never throws: while what carries it is away changes are lost, and whoever listens looks for itself (ports/session-registry.ts).
 */
export interface Presence {
  tell(change: PresenceChange): Promise<void>;
  /** One listener for each account. Returns the call that ends it. */
  listen(accountId: AccountId, listener: (change: PresenceChange) => void): () => void;
  /** Called whenever what carries changes is back: some may have been missed. */
  onResumed(listener: () => void): void;
}
