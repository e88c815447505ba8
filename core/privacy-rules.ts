import { DomainError } from '../protocol/errors.js';
import type { AccountId, DeviceAddress } from '../protocol/ids.js';
import type { ReceiptRecord } from '../protocol/log-records.js';
import type { Roster } from './roster.js';

/** Who may know what an account reads in the conversation, and whose reads it may know: whoever shows it, if it does; of two who talk directly nobody if one blocked the other. Always itself. */
export function whoKnowReads({ members }: Roster, account: AccountId): ReadonlySet<AccountId> {
  const showing = members.filter(({ readReceipts, blocks }) => readReceipts && !blocks).map(({ accountId }) => accountId);
  return new Set(showing.includes(account) ? showing : [account]);
}

export type ReceiptMark = Omit<ReceiptRecord, 'notify' | 'notifyRead' | 'arrived'>;

/** What a member may see of a conversation's watermarks: without what others read and do not show. */
export function visibleReceipts(roster: Roster, viewer: AccountId, marks: readonly ReceiptMark[]): readonly ReceiptMark[] {
  const known = whoKnowReads(roster, viewer);
  return marks.flatMap((mark) => {
    if (known.has(mark.accountId)) return mark;
    return mark.delivered === undefined ? [] : { ...mark, read: undefined };
  });
}

/** Of a direct conversation. Throws DomainError `blocked` if the sender blocked the other account. */
export function requireUnblocked({ members }: Roster, sender: AccountId): void {
  if (members.some(({ accountId, blocks }) => accountId === sender && blocks)) {
    throw new DomainError('blocked', 'the account blocked the other one; unblock it to write to it');
  }
}

/** Whether the other account of a direct conversation blocked the sender: what it sends stays with it, and it does not learn why. */
export function withholds({ members }: Roster, sender: AccountId): boolean {
  return members.some(({ accountId, blocks }) => accountId !== sender && blocks);
}

/**
 * Who hears that a member types: the others. Of two who talk directly nobody does if one of them blocked the other, or does not show it when it is online: who types is.
 */
export function hearTyping({ kind, members }: Roster, typist: AccountId): readonly AccountId[] {
  if (kind === 'direct' && !members.every(showsToTheOther)) return [];
  return members.map(({ accountId }) => accountId).filter((accountId) => accountId !== typist);
}

function showsToTheOther({ blocks, lastSeen, opened }: Roster['members'][number]): boolean {
  return !blocks && (lastSeen === 'everyone' || (lastSeen === 'contacts' && opened));
}

/** Whether an account sees a message of the history. */
export function isShownTo(
  viewer: AccountId,
  { sender, withheld }: { readonly sender: DeviceAddress; readonly withheld?: true | undefined },
): boolean {
  return withheld !== true || sender.accountId === viewer;
}
