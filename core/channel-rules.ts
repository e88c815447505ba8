import type { MemberRole } from '../protocol/conversation-event.js';
import { DomainError } from '../protocol/errors.js';
import type { AccountId } from '../protocol/ids.js';
import { limits } from '../protocol/limits.js';
import { changeGroup, type ChangedGroup, type GroupChange, type GroupMember } from './group-rules.js';

/** A change of who is what in a channel, or of its title. Nobody is added: members join by the invite. */
export type ChannelChange = Extract<GroupChange, { readonly type: 'remove' | 'leave' | 'set-role' | 'set-title' }>;

export interface ChannelKey {
  /** Counts from 1. */
  readonly epoch: number;
  /** Earlier keys, sealed under this one by devices. */
  readonly keyring: Uint8Array;
}

export interface ConcernedMembers {
  /** Whoever makes the change, whom it is for, and of an owner who leaves the heir: never all members. */
  readonly members: readonly GroupMember[];
  /** How many are owner or admin. */
  readonly staff: number;
}

/** What a member shows the others in a channel. */
export const shownInChannels = { readReceipts: false, lastSeen: 'nobody', blocks: false, opened: false } as const;

/** Who may post, and change things. */
function isStaff(role: MemberRole): boolean {
  return role !== 'member';
}

/**
 * The rules of groups (core/group-rules.ts), for the few members whom a change concerns; `undefined` if it is so already.
 * Throws DomainError `not_a_member`, `forbidden`, `not_found`, `conflict`, `too_large` (more than 50 owner and admins).
 */
export function changeChannel({ members, staff }: ConcernedMembers, by: AccountId, change: ChannelChange, nowMs: number): ChangedGroup | undefined {
  const actor = roleOf(members, by);
  if (change.type !== 'leave') requireStaff(actor, change.type === 'set-title' ? 'change its title' : 'change its members');
  const changed = changeGroup(members, by, change, nowMs);
  const { maxChannelStaff: limit } = limits;
  const more = changed === undefined ? 0 : staffIn(changed.members) - staffIn(members);
  if (more > 0 && staff + more > limit) {
    throw new DomainError('too_large', `role: a channel has at most ${limit} owners and admins`, { detail: { field: 'role', limit } });
  }
  return changed;
}

/** What of a change everybody can read in the channel's order: joins, leaves and removals are nobody's news, a new owner is. */
export function isTold(event: ChangedGroup['event']): boolean {
  return event.type === 'title-changed' || event.type === 'role-changed' || (event.type === 'member-left' && event.owner !== undefined);
}

/** `undefined` if it was made already. Throws DomainError `not_a_member`, `forbidden`, `conflict` if the key before is not the one that counts. */
export function renewKey(present: ChannelKey, role: MemberRole | undefined, next: ChannelKey): ChannelKey | undefined {
  requireStaff(role, 'make another key');
  if (next.epoch === present.epoch && Buffer.compare(next.keyring, present.keyring) === 0) return undefined;
  if (next.epoch === present.epoch + 1) return next;
  const detail = { field: 'epoch', epoch: present.epoch };
  throw new DomainError('conflict', `epoch: ${present.epoch + 1} is the next one`, { detail });
}

/** Throws DomainError `channel_full`. */
export function requireRoom(memberCount: number): void {
  const { maxChannelMembers: limit } = limits;
  if (memberCount >= limit) throw new DomainError('channel_full', `a channel has at most ${limit} members`, { detail: { limit } });
}

/** Throws DomainError `not_a_member`, `forbidden`. */
export function requireStaff(role: MemberRole | undefined, what: string): void {
  if (role === undefined) throw notAMember();
  if (!isStaff(role)) throw new DomainError('forbidden', `only the owner and the admins of a channel ${what}`);
}

export function notAMember(): DomainError {
  return new DomainError('not_a_member', 'the account is not a member of this channel');
}

export interface KnownMember {
  readonly accountId: AccountId;
  readonly role: MemberRole;
}

/** Members know the owner and the admins, and themselves; those know everybody. */
export function mayKnow(viewer: KnownMember, other: KnownMember): boolean {
  return isStaff(viewer.role) || isStaff(other.role) || viewer.accountId === other.accountId;
}

function roleOf(members: readonly GroupMember[], account: AccountId): MemberRole | undefined {
  return members.find(({ accountId }) => accountId === account)?.role;
}

function staffIn(members: readonly GroupMember[]): number {
  return members.filter(({ role }) => isStaff(role)).length;
}
