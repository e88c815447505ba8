import type { Envelope } from '../../protocol/client-frames.js';
import type { ErrorCode } from '../../protocol/errors.js';
import type { AccountId, ConversationId, DeviceAddress, MessageId, Position } from '../../protocol/ids.js';
import type { ConversationView } from '../../protocol/rest/conversation.js';
import type { Content } from '../encryption/content.js';
import type { ContentKey } from '../encryption/body-seal.js';
import type { KeyNote } from '../groups/key-note.js';
import { table } from '../store/table.js';
import type { Gap, GroupMember, PeerReceipts, ShownContent } from './message.js';
import type { Effect } from './outcome.js';

interface ConversationRowBase {
  /** As of the last answer of the server; missing until it was asked, and after a change. */
  readonly roster?: Pick<ConversationView, 'rosterDigest' | 'members'> | undefined;
}
export interface DirectRow extends ConversationRowBase {
  readonly kind?: 'direct' | undefined;
  readonly peer: AccountId;
  readonly handle?: string | undefined;
}
export interface GroupRow extends ConversationRowBase {
  readonly kind: 'group';
  /** Of the last change that is known here. */
  readonly version: number;
  readonly members: readonly GroupMember[];
  /** As of the last event that came: `members` can be ahead of messages that are still to come. */
  readonly membersInOrder?: readonly GroupMember[] | undefined;
  /** Sealed under the group's key, which comes with the first sender key. */
  readonly title?: Uint8Array | undefined;
  readonly groupKey?: Uint8Array | undefined;
}
export type ConversationRow = DirectRow | GroupRow;
/** Key: conversation id. */
export const conversationTable = table<ConversationRow>('conversation');

/** Key: conversation id. The key of a group that this device made, from before the server knew of it. */
export const foundedTable = table<Uint8Array>('founded');

/** Key: account id. What somebody is called. */
export const handleTable = table<string>('handle');

export interface MessageRow {
  readonly messageId: MessageId;
  readonly sender: DeviceAddress;
  readonly acceptedAtMs: number;
  /** As it came, or that it is deleted. */
  readonly content: ShownContent;
  readonly ttlSeconds?: number | undefined;
}
/** Key: conversation id, position. */
export const messageTable = table<MessageRow>('message');

/** Key: conversation id, position. Received, and not told to the app yet. */
export const untoldTable = table<true>('untold');

export interface EffectRow extends Effect {
  readonly messageId: MessageId;
  readonly position: Position;
}
/** Key: conversation id, id of the message that it concerns, slot. That message may not be here, or not yet. */
export const effectTable = table<EffectRow>('effect');

export interface ExpiryRow {
  readonly messageId: MessageId;
  /** Of an effect: the rest of its key. */
  readonly effect?: { readonly target: MessageId; readonly slot: string } | undefined;
}
/** Key: when (ms), conversation id, position. */
export const expiryTable = table<ExpiryRow>('expiry');

export interface DisappearingRow {
  readonly position: Position;
  /** Missing: what is said stays. */
  readonly seconds?: number | undefined;
}
/** Key: conversation id. The newest rule of the conversation. */
export const disappearingTable = table<DisappearingRow>('disappearing');

/** Key: message id. What was received, or accepted for us: it is not opened again. */
export const processedTable = table<Position>('processed');

/** Key: message id. Opens the body, now or from history. */
export const contentKeyTable = table<ContentKey>('content-key');

interface OutboxRowBase {
  readonly messageId: MessageId;
  readonly conversationId: ConversationId;
  /** How often it was transmitted; raised before each time. */
  readonly attempt: number;
  /** Exact bytes; missing until it was sealed for a roster. */
  readonly envelopes?: readonly Envelope[] | undefined;
  /** Of a group message. */
  readonly envelope?: Pick<Envelope, 'type' | 'content'> | undefined;
  /** What goes before it: this device's sender key, for those that lack it. */
  readonly parts?: readonly KeysPart[] | undefined;
  readonly rosterDigest?: string | undefined;
}
export interface KeysPart {
  readonly messageId: MessageId;
  readonly envelopes: readonly Envelope[];
}
export interface OutboxMessage extends OutboxRowBase {
  readonly kind: 'message';
  readonly content: Content;
  readonly body: Uint8Array;
  readonly key: Uint8Array;
  readonly ttlSeconds?: number | undefined;
}
export interface OutboxKeys extends OutboxRowBase {
  readonly kind: 'keys';
  /** Missing: this device's sender key, for every device of the group that lacks it. */
  readonly to?: DeviceAddress | undefined;
  /** Missing: an empty one, which ends the first, costly messages of a peer's device. */
  readonly note?: KeyNote | undefined;
}
export type OutboxRow = OutboxMessage | OutboxKeys;
/** Key: conversation id, number: the order in which they were sent. */
export const outboxTable = table<OutboxRow>('outbox');
/** Key: `next`. */
export const outboxNumberTable = table<number>('outbox.next');

export interface FailedRow {
  readonly content: ShownContent;
  readonly code: ErrorCode;
}
/** Key: conversation id, message id. */
export const failedTable = table<FailedRow>('failed');

/** Key: conversation id, `account.device`. */
export const receiptTable = table<PeerReceipts>('receipt');

/** Key: conversation id. Read here, and not told to the server yet. */
export const unsentReadTable = table<Position>('read.unsent');
/** Key: conversation id. How far this account read, here or on another device. */
export const readTable = table<Position>('read');

/** Key: `account.device`. The newest key exchange of the device that was answered. */
export const answeredTable = table<string>('answered');

/** Key: `account.device`, or that and a group. When its broken session was replaced, or its sender key for the group asked for, last. */
export const healedTable = table<number>('healed');

/** Key: conversation id, first and last position. */
export const gapTable = table<Gap>('gap');
