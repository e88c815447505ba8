import type { Announcements } from '../../ports/announcements.js';
import { directConversationId, type AccountId } from '../../protocol/ids.js';

/** What an account lets another one see is something else now. */
export async function announceBetween(announcements: Announcements, accountId: AccountId, other: AccountId): Promise<void> {
  await announcements.publish({ kind: 'roster-changed', conversationIds: [directConversationId(accountId, other)] });
  await announcements.publish({ kind: 'privacy-changed', accountId, other });
}
