import type { RemovalId } from '../protocol/ids.js';

/** `device`: one was unlinked. `account`: it was erased with all its devices. */
export type RemovalKind = 'device' | 'account';

/** What the workflow knows of it. Whose it is stays in the directory. */
export interface RemovalPlan {
  readonly removalId: RemovalId;
  readonly kind: RemovalKind;
  /** For how long after the beginning something may still be accepted for the devices, by whoever has not heard that they are gone. */
  readonly settleMs: number;
}

/** What was removed, beside what went with the devices at once: secrets, prekeys, push subscriptions, names, blocks. */
export interface RemovalCounts {
  /** Whose inboxes were emptied. */
  readonly devices: number;
  readonly groupsLeft: number;
  readonly channelsLeft: number;
  /** That the account had uploaded. */
  readonly files: number;
}

export const nothingRemoved: RemovalCounts = { devices: 0, groupsLeft: 0, channelsLeft: 0, files: 0 };

export function removalWorkflowId({ removalId, kind }: Pick<RemovalPlan, 'removalId' | 'kind'>): string {
  return `${kind === 'device' ? 'device-unlink' : 'account-erasure'}/${removalId}`;
}
