import type { Envelope } from '../../protocol/client-frames.js';
import type { ErrorCode } from '../../protocol/errors.js';
import type { AccountId, ConversationId, DeviceAddress, MessageId, Position } from '../../protocol/ids.js';
import type { MemberRole } from '../../protocol/conversation-event.js';
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
  /** By this account, as far as this device knows: the peer is a contact. */
  readonly opened?: true | undefined;
}
export interface GroupRow extends ConversationRowBase {
  readonly kind: 'group';
  /** Of the last change that is known here. */
  readonly version: number;
  readonly members: readonly GroupMember[];
  /** As of the last event that came: `members` can be ahead of messages that are still to come. Missing until the server answers, first of all and whenever this account came. */
  readonly membersInOrder?: readonly GroupMember[] | undefined;
  /** Where those came who were not there before this account: what was said earlier is not for them. */
  readonly joinedAt?: Readonly<Record<AccountId, Position>> | undefined;
  /** Sealed under the group's key, which comes with the first sender key. */
  readonly title?: Uint8Array | undefined;
  readonly groupKey?: Uint8Array | undefined;
}
export interface ChannelRow {
  readonly kind: 'channel';
  /** Of the last answer of the server, or change, that is known here. */
  readonly version: number;
  /** Of this account; missing when it is no member any more. */
  readonly role?: MemberRole | undefined;
  readonly memberCount: number;
  /** Sealed under one of the channel's keys. */
  readonly title?: Uint8Array | undefined;
  /** Of the newest key that the server knows of, and the keys before it, sealed under it. */
  readonly epoch: number;
  readonly keyring?: Uint8Array | undefined;
  /** Of the newest key that is here. */
  readonly keyEpoch?: number | undefined;
  /** Everything up to it is here; missing before the first page. */
  readonly pulledTo?: Position | undefined;
  /** A post is there whose key is not here. */
  readonly waitsForKey?: boolean | undefined;
  /** Somebody was removed: another key is to be made. */
  readonly keyIsSpent?: boolean | undefined;
  readonly roster?: undefined;
}
export type ConversationRow = DirectRow | GroupRow | ChannelRow;
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

export interface UndecidedRow {
  /** Of the deletion. */
  readonly ttlSeconds?: number | undefined;
}
/** Key: conversation id, id of the message that it concerns, slot. A deletion in a group by somebody of whom nothing is known yet: whether it counts is known with the roster. */
export const undecidedTable = table<UndecidedRow>('effect.undecided');

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

export interface ContentKeyRow extends ContentKey {
  readonly conversationId: ConversationId;
  /** Whose message it is. */
  readonly author: AccountId;
}
/** Key: message id. Opens the body, now or from history. */
export const contentKeyTable = table<ContentKeyRow>('content-key');

export interface LackedKeyRow {
  readonly messageId: MessageId;
  /** Who is asked. */
  readonly sender: DeviceAddress;
  readonly asks: number;
  readonly askedAtMs: number;
}
/** Key: conversation id, position. Messages that did not open. */
export const lackedKeyTable = table<LackedKeyRow>('lacked-key');

export interface GivenKeyRow extends ContentKey {
  readonly messageId: MessageId;
  readonly from: AccountId;
}
/** Key: conversation id, position. Keys that came for messages whose bodies are still to be fetched. */
export const givenKeyTable = table<GivenKeyRow>('given-key');

/** Key: `account.device`. How many keys it asked for and gave lately, and was asked for. */
export const keyExchangesTable = table<{ readonly sinceMs: number; readonly count: number }>('key-exchanges');

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
  /** In a channel, the body as everybody pulls it; missing until it was sealed under the channel's key. */
  readonly post?: Uint8Array | undefined;
}
export interface OutboxKeys extends OutboxRowBase {
  readonly kind: 'keys';
  /** Missing: in a group this device's sender key, for every device that lacks it; in a channel for all devices of `toAccount`. */
  readonly to?: DeviceAddress | undefined;
  readonly toAccount?: AccountId | undefined;
  /** Missing: an empty one, which ends the first, costly messages of a peer's device. */
  readonly note?: KeyNote | undefined;
}
export type OutboxRow = OutboxMessage | OutboxKeys;
/** Key: conversation id, number: the order in which they were sent, but in a channel posts before keys. */
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
