import type { ConversationEvent, MemberRole } from '../protocol/conversation-event.js';
import { DomainError } from '../protocol/errors.js';
import type { AccountId } from '../protocol/ids.js';
import { limits } from '../protocol/limits.js';

export interface GroupMember {
  readonly accountId: AccountId;
  readonly role: MemberRole;
  readonly joinedAtMs: number;
}

export type GroupChange =
  | { readonly type: 'add'; readonly accounts: readonly AccountId[] }
  /** By an invite, so it needs nobody's role. */
  | { readonly type: 'join' }
  | { readonly type: 'remove'; readonly account: AccountId }
  | { readonly type: 'leave' }
  | { readonly type: 'set-role'; readonly account: AccountId; readonly role: MemberRole }
  /** `ifVersion`: not over the title of another version of the group. */
  | { readonly type: 'set-title'; readonly title: Uint8Array; readonly ifVersion?: number | undefined };

type WithoutVersion<Event> = Event extends unknown ? Omit<Event, 'version'> : never;

export interface ChangedGroup {
  readonly members: readonly GroupMember[];
  readonly event: WithoutVersion<ConversationEvent>;
}

const rank: Readonly<Record<MemberRole, number>> = { owner: 2, admin: 1, member: 0 };

/** Throws DomainError `changed` for a change that was meant for another version. */
export function requireVersion(change: GroupChange, version: number): void {
  if (change.type !== 'set-title' || change.ifVersion === undefined || change.ifVersion === version) return;
  throw new DomainError('changed', 'the group changed meanwhile');
}

/** The members of a new group, its maker as owner. Throws DomainError `group_full`. */
export function foundGroup(owner: AccountId, others: readonly AccountId[], nowMs: number): readonly GroupMember[] {
  const members = [...new Set(others)].filter((account) => account !== owner);
  return limited([{ accountId: owner, role: 'owner', joinedAtMs: nowMs }, ...members.map((account) => newMember(account, nowMs))]);
}

/**
 * Who may change what in a group, and what comes of it; `undefined` if it is so already.
 *
 * The owner may do everything, an admin what concerns members and the title, a member may leave. A group with members has one owner: who gives it to somebody becomes an admin,
 * and when the owner leaves, the admin who is there longest owns it, or else the member.
 * Throws DomainError `not_a_member`, `forbidden`, `not_found`, `group_full`, `conflict`, `gone`.
 */
export function changeGroup(members: readonly GroupMember[], by: AccountId, change: GroupChange, nowMs: number): ChangedGroup | undefined {
  if (change.type === 'join') return joined(members, by, nowMs);
  const actor = actorOf(members, by);
  switch (change.type) {
    case 'add':
      return added(members, actor, change.accounts, nowMs);
    case 'remove':
      return removed(members, actor, change.account);
    case 'leave':
      return left(members, actor);
    case 'set-role':
      return withRole(members, actor, change);
    case 'set-title':
      requireAdmin(actor, 'title');
      return { members, event: { type: 'title-changed', title: change.title } };
  }
}

/** Who may make and end invites. Throws DomainError `not_a_member`, `forbidden`. */
export function requireInviting(members: readonly GroupMember[], by: AccountId): void {
  requireAdmin(actorOf(members, by), 'invite');
}

function joined(members: readonly GroupMember[], account: AccountId, nowMs: number): ChangedGroup | undefined {
  if (members.length === 0) throw new DomainError('gone', 'everybody has left this group');
  if (members.some(({ accountId }) => accountId === account)) return undefined;
  return { members: limited([...members, newMember(account, nowMs)]), event: { type: 'member-joined', member: account } };
}

function added(members: readonly GroupMember[], actor: GroupMember, accounts: readonly AccountId[], nowMs: number): ChangedGroup | undefined {
  requireAdmin(actor, 'members');
  const known = new Set(members.map(({ accountId }) => accountId));
  const fresh = [...new Set(accounts)].filter((account) => !known.has(account));
  if (fresh.length === 0) return undefined;
  return { members: limited([...members, ...fresh.map((account) => newMember(account, nowMs))]), event: { type: 'members-added', members: fresh } };
}

function removed(members: readonly GroupMember[], actor: GroupMember, account: AccountId): ChangedGroup {
  requireAdmin(actor, 'members');
  const member = memberOf(members, account);
  if (account === actor.accountId) throw new DomainError('conflict', 'accountId: to go oneself is to leave', { detail: { field: 'accountId' } });
  requireAbove(actor, member);
  return { members: without(members, account), event: { type: 'member-removed', member: account } };
}

function left(members: readonly GroupMember[], { accountId, role }: GroupMember): ChangedGroup {
  const staying = without(members, accountId);
  const heir = role === 'owner' ? heirOf(staying) : undefined;
  if (heir === undefined) return { members: staying, event: { type: 'member-left', member: accountId } };
  return { members: replaced(staying, { ...heir, role: 'owner' }), event: { type: 'member-left', member: accountId, owner: heir.accountId } };
}

function withRole(
  members: readonly GroupMember[],
  actor: GroupMember,
  { account, role }: { readonly account: AccountId; readonly role: MemberRole },
): ChangedGroup | undefined {
  requireAdmin(actor, 'roles');
  const member = memberOf(members, account);
  if (member.role === role) return undefined;
  if (member.role === 'owner') throw new DomainError('conflict', 'role: the owner gives the group to somebody first', { detail: { field: 'role' } });
  requireAbove(actor, member);
  if (rank[role] > rank[actor.role])
    throw new DomainError('forbidden', `role: an ${actor.role} cannot make somebody ${role}`, { detail: { field: 'role' } });
  const others = role === 'owner' ? replaced(members, { ...actor, role: 'admin' }) : members;
  return { members: replaced(others, { ...member, role }), event: { type: 'role-changed', member: account, role } };
}

function actorOf(members: readonly GroupMember[], by: AccountId): GroupMember {
  const actor = members.find(({ accountId }) => accountId === by);
  if (actor === undefined) throw new DomainError('not_a_member', 'the account is not a member of this group');
  return actor;
}

function requireAdmin({ role }: GroupMember, what: string): void {
  if (rank[role] < rank.admin) throw new DomainError('forbidden', `only admins and the owner change the ${what} of a group`);
}

/** Admins do not decide about each other, only the owner does. */
function requireAbove(actor: GroupMember, { role }: GroupMember): void {
  if (rank[role] >= rank[actor.role]) throw new DomainError('forbidden', `an ${actor.role} cannot change an ${role}`);
}

function memberOf(members: readonly GroupMember[], account: AccountId): GroupMember {
  const member = members.find(({ accountId }) => accountId === account);
  if (member === undefined) throw new DomainError('not_found', 'accountId: not a member', { detail: { field: 'accountId' } });
  return member;
}

function heirOf(members: readonly GroupMember[]): GroupMember | undefined {
  const [heir] = [...members].sort(
    (one, other) => rank[other.role] - rank[one.role] || one.joinedAtMs - other.joinedAtMs || (one.accountId < other.accountId ? -1 : 1),
  );
  return heir;
}

function newMember(accountId: AccountId, joinedAtMs: number): GroupMember {
  return { accountId, role: 'member', joinedAtMs };
}

function without(members: readonly GroupMember[], account: AccountId): readonly GroupMember[] {
  return members.filter(({ accountId }) => accountId !== account);
}

function replaced(members: readonly GroupMember[], member: GroupMember): readonly GroupMember[] {
  return members.map((other) => (other.accountId === member.accountId ? member : other));
}

function limited(members: readonly GroupMember[]): readonly GroupMember[] {
  const { maxGroupMembers: limit } = limits;
  if (members.length > limit) {
    throw new DomainError('group_full', `a group has at most ${limit} members, this one would have ${members.length}`, { detail: { limit } });
  }
  return members;
}
