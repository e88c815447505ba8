import type { Roster } from '../core/roster.js';
import type { Rosters } from '../ports/rosters.js';
import { DomainError } from '../protocol/errors.js';
import { isChannelId, type AccountId, type ConversationId } from '../protocol/ids.js';

/** The roster, if the account is in it. A conversation that does not exist and one that one is not in look the same. Of a channel nobody sees the roster: require-channel-member.ts. */
export async function requireMember(rosters: Pick<Rosters, 'roster'>, accountId: AccountId, conversationId: ConversationId): Promise<Roster> {
  if (isChannelId(conversationId)) {
    throw new DomainError('invalid_request', 'conversationId: of a channel, which has calls of its own', { detail: { field: 'conversationId' } });
  }
  const roster = await rosters.roster(conversationId);
  if (roster?.members.some((member) => member.accountId === accountId) !== true) {
    throw new DomainError('not_a_member', 'the account is not a member of this conversation', { detail: { conversationId } });
  }
  return roster;
}
