import type { Roster } from '../../core/roster.js';
import type { Conversation, Conversations } from '../../ports/conversations.js';
import { DomainError } from '../../protocol/errors.js';
import type { AccountId, ConversationId } from '../../protocol/ids.js';
import type { ConversationView } from '../../protocol/rest/conversation.js';
import { requireMember } from '../require-member.js';

/** A conversation as a member sees it now. Throws DomainError `not_a_member`, `gone`. */
export async function presentView(conversations: Conversations, accountId: AccountId, conversationId: ConversationId): Promise<ConversationView> {
  const roster = await requireMember(conversations, accountId, conversationId);
  const conversation = await conversations.get(conversationId);
  if (conversation === undefined) throw new DomainError('gone', 'the conversation was deleted');
  return viewOf(conversation, roster);
}

function viewOf({ conversationId, kind, createdAtMs, title }: Conversation, { version, digest, members }: Roster): ConversationView {
  const views = members.map(({ accountId, role, devices }) => ({ accountId, role, devices: [...devices] }));
  return { conversationId, kind, createdAtMs, ...(title === undefined ? {} : { title }), version, rosterDigest: digest, members: views };
}
