import type { Presence, PresenceChange } from '../../ports/presence.js';
import type { AccountId } from '../../protocol/ids.js';

/** Of one process, which misses nothing; listeners run after `tell` returned. */
export function createMemoryPresence(): Presence {
  const listeners = new Map<AccountId, (change: PresenceChange) => void>();
  return {
    tell: (change) => {
      queueMicrotask(() => listeners.get(change.accountId)?.(change));
      return Promise.resolve();
    },
    listen: (accountId, listener) => {
      listeners.set(accountId, listener);
      return () => listeners.delete(accountId);
    },
    onResumed: () => undefined,
  };
}
