import type { ConversationEvent } from '../../protocol/conversation-event.js';
import type { AccountId, Position } from '../../protocol/ids.js';
import type { GroupMember } from '../messages/message.js';
import type { GroupRow } from '../messages/message-tables.js';

const fromTheBeginning = 0 as Position;

/** What is known of a group before anybody told anything. */
export const unknownGroup: GroupRow = { kind: 'group', version: 0, members: [] };

export interface GroupChange {
  readonly event: ConversationEvent;
  readonly by: AccountId;
  readonly position: Position;
}

/** A group after a change, as its next event says. Its roster is asked for anew; an older change than what is known changes no more than what is known of the order. */
export function withChange(row: GroupRow, { event, by, position }: GroupChange, own: AccountId): GroupRow {
  const changed: GroupRow = { ...row, membersInOrder: inOrderAfter(row, { event, by }, own), joinedAt: joinedAfter(row, { event, position }, own) };
  if (event.version <= row.version) return changed;
  const title = event.type === 'created' || event.type === 'title-changed' ? (event.title ?? row.title) : row.title;
  return { ...changed, version: event.version, title, members: membersAfter(row.members, event, by), roster: undefined };
}

/** A group after an answer of the server, which says what no event told: who was there before this account, or before this device knew of the group, and as what. */
export function withAnswer(row: GroupRow | undefined, answer: GroupRow): GroupRow {
  // It was asked for before the last change came.
  if (row !== undefined && answer.version < row.version) return row;
  return { ...row, ...answer, groupKey: answer.groupKey ?? row?.groupKey, membersInOrder: row?.membersInOrder ?? answer.members };
}

/** What changed while this account was not there nobody told, but an answer that is newer than its coming. */
function inOrderAfter(
  { members, membersInOrder, version }: GroupRow,
  { event, by }: Omit<GroupChange, 'position'>,
  own: AccountId,
): GroupRow['membersInOrder'] {
  if (event.type === 'created') return membersAfter([], event, by);
  const comes = (event.type === 'members-added' && event.members.includes(own)) || (event.type === 'member-joined' && event.member === own);
  if (comes) return event.version <= version ? members : undefined;
  return membersInOrder && membersAfter(membersInOrder, event, by);
}

function joinedAfter(row: GroupRow, { event, position }: Omit<GroupChange, 'by'>, own: AccountId): GroupRow['joinedAt'] {
  const { joinedAt = {} } = row;
  switch (event.type) {
    case 'members-added':
      return { ...joinedAt, ...Object.fromEntries(event.members.map((accountId) => [accountId, position])) };
    case 'member-joined':
      return { ...joinedAt, [event.member]: position };
    case 'member-removed':
    case 'member-left': {
      const known = event.member === own ? { ...joinedAt, ...whereAllJoined(row, event, own) } : joinedAt;
      return Object.fromEntries(Object.entries(known).filter(([accountId]) => accountId !== event.member));
    }
    case 'created':
    case 'role-changed':
    case 'title-changed':
      return joinedAt;
  }
}

/** This account goes: who is there now is nobody who comes while it is away. */
function whereAllJoined(row: GroupRow, event: ConversationEvent, own: AccountId): GroupRow['joinedAt'] {
  const present = row.membersInOrder ?? (row.version < event.version ? row.members : []);
  return Object.fromEntries(present.map(({ accountId }) => [accountId, whereJoined(row, accountId, own) ?? fromTheBeginning]));
}

/** Where somebody who is in the group came; `undefined`: before this account knew of it. Of whom nothing is known, somebody came while this account was not in the group, or was there before. */
export function whereJoined({ joinedAt = {} }: GroupRow, account: AccountId, own: AccountId): Position | undefined {
  return joinedAt[account] ?? joinedAt[own];
}

/** Whether somebody was an admin, or the owner, when the newest message that came was sent. Who was there before this device is known from the server's answers; `undefined` before one came. */
export function wasAdmin({ members, membersInOrder }: GroupRow, account: AccountId): boolean | undefined {
  if (membersInOrder === undefined) return undefined;
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
