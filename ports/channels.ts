import type { ChannelChange, ChannelKey } from '../core/channel-rules.js';
import type { RosterDevice } from '../core/roster.js';
import type { MemberRole } from '../protocol/conversation-event.js';
import type { AccountId, ConversationId, DeviceAddress } from '../protocol/ids.js';
import type { Invite } from './groups.js';

export interface NewChannel {
  /** Made by the device, so that a repeated request makes nothing twice. */
  readonly conversationId: ConversationId;
  /** Sealed by its devices. */
  readonly title: Uint8Array;
  /** Of the first key. */
  readonly keyring: Uint8Array;
}

/** A channel as one of its members sees it. */
export interface Channel extends NewChannel, ChannelKey {
  readonly createdAtMs: number;
  readonly version: number;
  readonly memberCount: number;
  readonly role: MemberRole;
}

export interface ChannelMember {
  readonly accountId: AccountId;
  readonly role: MemberRole;
}

export interface ChannelMembersQuery {
  readonly staffOnly: boolean;
  /** Exclusive. */
  readonly after?: AccountId | undefined;
  readonly limit: number;
}

/**
 * Channels: who is in them, as which role, and which of their keys counts (core/channel-rules.ts). Strongly consistent; changes of one channel happen one after the other.
 * Nothing here costs more with more members, but the pages of `members`, and the search for an heir.
 * A change that is told is kept with what tells it in one transaction: `Groups.untold` has both.
 * Throws DomainError: what core/channel-rules.ts throws, `not_found` (a channel, an invite), `conflict` (the id is taken), `gone` (an invite that ended, a channel that everybody left), `unavailable`.
 */
export interface Channels {
  /** Answers whether it was made; `false` when the same account made it before. */
  create(channel: NewChannel, by: DeviceAddress, nowMs: number): Promise<boolean>;
  /** `undefined`: there is no such channel, or the account is not in it. */
  get(conversationId: ConversationId, accountId: AccountId): Promise<Channel | undefined>;
  /** What the account is in each of these, in the order given; `undefined` where it is not a member. */
  roles(accountId: AccountId, conversationIds: readonly ConversationId[]): Promise<readonly (MemberRole | undefined)[]>;
  /** Answers whether it changed anything. */
  change(conversationId: ConversationId, by: DeviceAddress, change: ChannelChange, nowMs: number): Promise<boolean>;
  /** Another key, and the end of the invite, which carries the one before. Answers whether it changed anything. */
  renewKey(conversationId: ConversationId, by: AccountId, key: ChannelKey): Promise<boolean>;
  /** A channel has one invite: a new one ends the one before, `undefined` only that. */
  setInvite(conversationId: ConversationId, by: AccountId, invite: Invite | undefined): Promise<void>;
  /** Makes the account a member of the channel that the invite is for, or leaves it one. */
  join(inviteHash: Uint8Array, accountId: AccountId, nowMs: number): Promise<ConversationId>;
  /** In the order of their ids. */
  members(conversationId: ConversationId, query: ChannelMembersQuery): Promise<readonly ChannelMember[]>;
  /** With its active devices; `undefined` if it is not in the channel. */
  member(conversationId: ConversationId, accountId: AccountId): Promise<(ChannelMember & { readonly devices: readonly RosterDevice[] }) | undefined>;
}
