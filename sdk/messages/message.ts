import type { ErrorCode } from '../../protocol/errors.js';
import type { AccountId, ConversationId, DeviceAddress, MessageId, Position } from '../../protocol/ids.js';
import type { Content, UnsupportedContent } from '../encryption/content.js';

export interface Conversation {
  readonly conversationId: ConversationId;
  readonly peer: {
    readonly accountId: AccountId;
    /** Missing until the server could be asked. */
    readonly handle?: string | undefined;
  };
}

/** A message that this device got and cannot open: keys were lost on the way. */
export interface UndecryptableContent {
  readonly type: 'undecryptable';
}

export type ShownContent = Content | UnsupportedContent | UndecryptableContent;

/** pending: kept here, not accepted yet. accepted ✓: durable at the server. delivered ✓✓: on a device of the peer. read: seen there. failed: refused for good. */
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
  readonly content: ShownContent;
  /** Of messages of one's own account. */
  readonly state?: OutgoingState | undefined;
  /** Why it failed. */
  readonly failure?: ErrorCode | undefined;
}

/** How far the peer got. */
export interface PeerReceipts {
  readonly delivered?: Position | undefined;
  readonly read?: Position | undefined;
}

/** Messages that the server had for this device and will never deliver. */
export interface Gap {
  readonly reason: 'expired' | 'quarantined' | 'overflow';
  /** Inclusive, both. */
  readonly from?: Position | undefined;
  readonly to?: Position | undefined;
  readonly messageIds?: readonly MessageId[] | undefined;
}
