import type { ConversationId } from '../../protocol/ids.js';
import { openTitle } from '../groups/group-title.js';
import type { Conversation, GroupConversation } from './message.js';
import type { ConversationRow, GroupRow } from './message-tables.js';

/** A conversation as the app sees it. */
export function shownConversation(conversationId: ConversationId, row: ConversationRow): Conversation {
  if (row.kind === 'group') return shownGroup(conversationId, row);
  return { kind: 'direct', conversationId, peer: { accountId: row.peer, handle: row.handle } };
}

export function shownGroup(conversationId: ConversationId, { members, groupKey, title }: GroupRow): GroupConversation {
  return { kind: 'group', conversationId, title: openTitle(groupKey, conversationId, title), members };
}
