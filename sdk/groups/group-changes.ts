import type { ConversationEvent } from '../../protocol/conversation-event.js';
import type { AccountId, Position } from '../../protocol/ids.js';
import type { GroupMember } from '../messages/message.js';
import type { GroupRow } from '../messages/message-tables.js';

/** What is known of a group before anybody told anything. */
export const unknownGroup: GroupRow = { kind: 'group', version: 0, members: [] };

/** A group after a change. Its roster is asked for anew; an older change than what is known does nothing. */
export function withChange(row: GroupRow, event: ConversationEvent, by: AccountId): GroupRow {
  const membersInOrder = membersAfter(row.membersInOrder ?? row.members, event, by);
  if (event.version <= row.version) return { ...row, membersInOrder };
  const title = event.type === 'created' || event.type === 'title-changed' ? (event.title ?? row.title) : row.title;
  return { ...row, version: event.version, title, members: membersAfter(row.members, event, by), membersInOrder, roster: undefined };
}

/** Where those came who are there and came since this device did, after an event at this position. */
export function joinedAfter({ joinedAt = {} }: GroupRow, event: ConversationEvent, position: Position): GroupRow['joinedAt'] {
  switch (event.type) {
    case 'members-added':
      return { ...joinedAt, ...Object.fromEntries(event.members.map((accountId) => [accountId, position])) };
    case 'member-joined':
      return { ...joinedAt, [event.member]: position };
    case 'member-removed':
    case 'member-left':
      return Object.fromEntries(Object.entries(joinedAt).filter(([accountId]) => accountId !== event.member));
    case 'created':
    case 'role-changed':
    case 'title-changed':
      return joinedAt;
  }
}

/** Where somebody who is in the group came, if not before this device. Of whom no event tells, somebody came while this account was not in the group. */
export function whereJoined({ membersInOrder = [], joinedAt = {} }: GroupRow, account: AccountId, own: AccountId): Position | undefined {
  const ownAt = joinedAt[own];
  const isUntold = ownAt !== undefined && !membersInOrder.some(({ accountId }) => accountId === account);
  return joinedAt[account] ?? (isUntold ? ownAt : undefined);
}

/** Whether somebody was an admin, or the owner, when the newest message that came was sent. Who was there before this device is known from the server's answers; `undefined` before one came. */
export function wasAdmin({ members, membersInOrder = [] }: GroupRow, account: AccountId): boolean | undefined {
  const member = [...membersInOrder, ...members].find(({ accountId }) => accountId === account);
  return member && member.role !== 'member';
}

function membersAfter(members: readonly GroupMember[], event: ConversationEvent, by: AccountId): readonly GroupMember[] {
  const as = (role: GroupMember['role'], ...accounts: readonly AccountId[]) => [
    ...members.filter(({ accountId }) => !accounts.includes(accountId)),
    ...accounts.map((accountId) => ({ accountId, role })),
  ];
  const without = (gone: AccountId) => members.filter(({ accountId }) => accountId !== gone);
  const ownedBy = (owner: AccountId, of: readonly GroupMember[]) =>
    of.map(({ accountId, role }): GroupMember => ({ accountId, role: accountId === owner ? 'owner' : role }));
  switch (event.type) {
    case 'created':
      return ownedBy(
        by,
        event.members.map((accountId) => ({ accountId, role: 'member' })),
      );
    case 'members-added':
      return as('member', ...event.members);
    case 'member-joined':
      return as('member', event.member);
    case 'member-removed':
      return without(event.member);
    case 'member-left':
      return event.owner === undefined ? without(event.member) : ownedBy(event.owner, without(event.member));
    case 'role-changed':
      if (event.role === 'owner')
        return ownedBy(
          event.member,
          members.map((member) => (member.role === 'owner' ? { ...member, role: 'admin' } : member)),
        );
      return as(event.role, event.member);
    case 'title-changed':
      return members;
  }
}
