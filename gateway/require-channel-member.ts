import { notAMember } from '../core/channel-rules.js';
import type { Channels } from '../ports/channels.js';
import type { MemberRole } from '../protocol/conversation-event.js';
import { DomainError } from '../protocol/errors.js';
import type { AccountId, ConversationId } from '../protocol/ids.js';

/** What the account is in the channel. A channel that does not exist and one that one is not in look the same. Throws DomainError `not_a_member`. */
export async function requireChannelMember(
  channels: Pick<Channels, 'roles'>,
  accountId: AccountId,
  conversationId: ConversationId,
): Promise<MemberRole> {
  const [role] = await channels.roles(accountId, [conversationId]);
  if (role === undefined) throw notAMember();
  return role;
}

/** With one look-up for all of them. Throws DomainError `not_a_member` that names the first that it is not in. */
export async function requireChannelMembers(
  channels: Pick<Channels, 'roles'>,
  accountId: AccountId,
  conversationIds: readonly ConversationId[],
): Promise<void> {
  if (conversationIds.length === 0) return;
  const roles = await channels.roles(accountId, conversationIds);
  const conversationId = conversationIds.find((_, index) => roles[index] === undefined);
  if (conversationId !== undefined) throw new DomainError('not_a_member', notAMember().message, { detail: { conversationId } });
}
