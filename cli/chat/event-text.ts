import type { AccountId, GroupEvent } from '../../sdk/index.js';

/** What a change of a group, or a channel, says to people: `alice added bob and carol`. */
export function eventText(event: GroupEvent, by: string, nameOf: (accountId: AccountId) => string, what = 'group'): string {
  switch (event.type) {
    case 'created':
      return `${by} made the ${what}`;
    case 'members-added':
      return `${by} added ${event.members.map(nameOf).join(', ')}`;
    case 'member-joined':
      return `${by} joined by the invite`;
    case 'member-removed':
      return `${by} removed ${nameOf(event.member)}`;
    case 'member-left':
      return event.owner === undefined ? `${by} left` : `${by} left; ${nameOf(event.owner)} owns the ${what} now`;
    case 'role-changed':
      return event.role === 'owner' ? `${by} gave the ${what} to ${nameOf(event.member)}` : `${by} made ${nameOf(event.member)} ${event.role}`;
    case 'title-changed':
      return `${by} changed the title`;
  }
}

/** Whose names the text needs, beside who changed it. */
export function accountsOf(event: GroupEvent): readonly AccountId[] {
  const named: AccountId[] = [];
  eventText(event, '', (accountId) => {
    named.push(accountId);
    return accountId;
  });
  return named;
}
