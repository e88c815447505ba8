import type { ConversationEvent, MemberRole } from '../../protocol/conversation-event.js';
import type { ErrorCode } from '../../protocol/errors.js';
import type { AccountId, ConversationId, DeviceAddress, MessageId, Position } from '../../protocol/ids.js';
import type { Content, EffectContent, UnsupportedContent } from '../encryption/content.js';

export interface DirectConversation {
  readonly kind: 'direct';
  readonly conversationId: ConversationId;
  readonly peer: {
    readonly accountId: AccountId;
    /** Missing until the server could be asked. */
    readonly handle?: string | undefined;
  };
}

export interface GroupMember {
  readonly accountId: AccountId;
  readonly role: MemberRole;
}

/** As far as this device was told. */
export interface GroupConversation {
  readonly kind: 'group';
  readonly conversationId: ConversationId;
  /** Missing until somebody of the group gave its key to this device. */
  readonly title?: string | undefined;
  readonly members: readonly GroupMember[];
}

/** As far as this device was told. */
export interface ChannelConversation {
  readonly kind: 'channel';
  readonly conversationId: ConversationId;
  /** Missing until a key of the channel is here. */
  readonly title?: string | undefined;
  /** Of this account; missing when it is no member any more. */
  readonly role?: MemberRole | undefined;
  readonly memberCount: number;
  /** Posts are there whose key is not here; it was asked for. */
  readonly waitsForKey: boolean;
}

export type Conversation = DirectConversation | GroupConversation | ChannelConversation;

/** A change of the group by the sender, in one order with the messages. */
export interface EventContent {
  readonly type: 'event';
  readonly event: ConversationEvent;
}

/** A message that this device got and cannot open: keys were lost on the way. */
export interface UndecryptableContent {
  readonly type: 'undecryptable';
}

/** Somebody who might deleted it for everyone; nothing of it is kept. */
export interface DeletedContent {
  readonly type: 'deleted';
}

export type ShownContent = Exclude<Content, EffectContent> | EventContent | UnsupportedContent | UndecryptableContent | DeletedContent;

export interface Reaction {
  readonly emoji: string;
  readonly accounts: readonly AccountId[];
}

/** pending: kept here, not accepted yet. accepted ✓: durable at the server. delivered ✓✓: on a device of the peer, in a group of every other member who was there. read: seen there. failed: refused for good. */
export type OutgoingState = 'pending' | 'accepted' | 'delivered' | 'read' | 'failed';

/** A message as the device keeps it. */
export interface Message {
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
  /** Where it stands in the conversation; missing before it is accepted. */
  readonly position?: Position | undefined;
  /** By the server's clock. */
  readonly acceptedAtMs?: number | undefined;
  readonly sender: DeviceAddress;
  /** After all that was done to it. */
  readonly content: ShownContent;
  /** When its text became this one; missing if it was never another. */
  readonly editedAtMs?: number | undefined;
  /** One for each account at most, oldest first. */
  readonly reactions?: readonly Reaction[] | undefined;
  /** Of a poll: who is for each of its options. */
  readonly votes?: readonly (readonly AccountId[])[] | undefined;
  /** How long it stays, from `acceptedAtMs`; missing: for ever. */
  readonly ttlSeconds?: number | undefined;
  /** Of messages of one's own account. */
  readonly state?: OutgoingState | undefined;
  /** Why it failed. */
  readonly failure?: ErrorCode | undefined;
}

/** How far the peer got; in a group, everybody else. */
export interface PeerReceipts {
  readonly delivered?: Position | undefined;
  readonly read?: Position | undefined;
  /** What they do not have all the same: their apps hang at it, and the server keeps it from them until somebody looks after it. */
  readonly except?: readonly Position[] | undefined;
}

/** Messages that the server had for this device and will never deliver. */
export interface Gap {
  readonly reason: 'expired' | 'quarantined' | 'overflow';
  /** Inclusive, both. */
  readonly from?: Position | undefined;
  readonly to?: Position | undefined;
  readonly messageIds?: readonly MessageId[] | undefined;
}
