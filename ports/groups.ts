import type { GroupChange } from '../core/group-rules.js';
import type { ConversationEvent } from '../protocol/conversation-event.js';
import type { AccountId, ConversationId, DeviceAddress } from '../protocol/ids.js';

export interface NewGroup {
  /** Made by the device, so that a repeated request makes nothing twice. */
  readonly conversationId: ConversationId;
  readonly members: readonly AccountId[];
  readonly title?: Uint8Array | undefined;
}

/** A change that the members have to be told, in the order of the versions. */
export interface UntoldEvent {
  readonly conversationId: ConversationId;
  readonly by: DeviceAddress;
  readonly event: ConversationEvent;
  /** All devices of the members after the change, and of whoever it removed. */
  readonly recipients: readonly DeviceAddress[];
}

export interface Invite {
  /** SHA-256 of the invite's secret; the secret itself is not kept. */
  readonly hash: Uint8Array;
  readonly expiresAtMs: number;
}

/**
 * Groups: who is in them, as which role, under which title (core/group-rules.ts). Strongly consistent; changes of one group happen one after the other.
 * A change and the event that tells it are one transaction; the event is there until `told`, however often the process that has to tell it ends.
 * Throws DomainError: what core/group-rules.ts throws, `not_found` (an account, a group, an invite), `conflict` (the id is taken), `gone` (an invite that ended), `unavailable`.
 */
export interface Groups {
  /** Answers whether it was made; `false` when the same account made it before. */
  create(group: NewGroup, by: DeviceAddress, nowMs: number): Promise<boolean>;
  /** Answers whether it changed anything. Throws `changed` for a title that is to be set at another version than the group is at. */
  change(conversationId: ConversationId, by: DeviceAddress, change: GroupChange, nowMs: number): Promise<boolean>;
  /** Only admins. A group has one invite: a new one ends the one before, `undefined` only that. */
  setInvite(conversationId: ConversationId, by: AccountId, invite: Invite | undefined): Promise<void>;
  /** Makes the account a member of the group that the invite is for; `joined` is `false` if it was one. */
  join(inviteHash: Uint8Array, by: DeviceAddress, nowMs: number): Promise<{ readonly conversationId: ConversationId; readonly joined: boolean }>;
  /** Events that are not told yet, in the order of their versions: all of one group, or the oldest ones that were made before a time. */
  untold(
    of: { readonly conversationId: ConversationId } | { readonly madeBeforeMs: number; readonly limit: number },
  ): Promise<readonly UntoldEvent[]>;
  /** They are in the log. */
  told(events: readonly UntoldEvent[]): Promise<void>;
}
