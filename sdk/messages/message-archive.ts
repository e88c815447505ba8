import type { AccountId, ConversationId, DeviceAddress, MessageId, Position } from '../../protocol/ids.js';
import { isEffect } from '../encryption/content.js';
import { whereJoined } from '../groups/group-changes.js';
import type { DeviceStore } from '../store/device-store.js';
import { hasDisappeared, placeOf, type MessagePlace } from './keep-content.js';
import type { Message, OutgoingState, PeerReceipts, Conversation } from './message.js';
import {
  conversationTable,
  disappearingTable,
  effectTable,
  failedTable,
  messageTable,
  outboxTable,
  receiptTable,
  type OutboxMessage,
} from './message-tables.js';
import { outcomeOf, slotOf, type Effect } from './outcome.js';
import { commonReceipts, furthestReceipts, reaches } from './peer-receipts.js';
import { shownConversation } from './shown-conversation.js';

export interface MessageQuery {
  /** Exclusive. */
  readonly before?: Position | undefined;
  /** The newest so many; messages that are not accepted yet come in addition. */
  readonly limit?: number | undefined;
}

/** Reads what the device keeps. What has disappeared is not shown, whether it is deleted yet or not. */
export class MessageArchive {
  readonly #store: DeviceStore;
  readonly #own: DeviceAddress;

  constructor(store: DeviceStore, own: DeviceAddress) {
    this.#store = store;
    this.#own = own;
  }

  conversations(): readonly Conversation[] {
    return this.#store.range(conversationTable, []).map(({ key, row }) => shownConversation(this.#store, key[0] as ConversationId, row));
  }

  /** In the order of the conversation; what is not accepted yet, or never will be, at the end. */
  messages(conversationId: ConversationId, { before, limit }: MessageQuery = {}): readonly Message[] {
    const pending = this.#outgoing(conversationId);
    const others = this.#others(conversationId);
    const nowMs = Date.now();
    const ofOwn = () => others;
    const rows = this.#store.range(messageTable, [conversationId], { before, limit, newestFirst: true }).reverse();
    const kept = rows.filter(({ row }) => !hasDisappeared(row, nowMs));
    const accepted = kept.map(({ key, row }) => this.#accepted({ conversationId, position: key[1] as Position, ...row }, ofOwn));
    const all = before === undefined ? [...accepted, ...this.#failed(conversationId), ...this.#pending(conversationId, pending)] : accepted;
    return all.map((message) => this.#afterEffects(message, pending));
  }

  /** `undefined`: it is not here, or not any more. */
  message(conversationId: ConversationId, messageId: MessageId): Message | undefined {
    const place = placeOf(this.#store, conversationId, messageId);
    if (place !== undefined) return this.at(conversationId, place.position);
    const pending = this.#outgoing(conversationId);
    const found = [...this.#failed(conversationId), ...this.#pending(conversationId, pending)].find((message) => message.messageId === messageId);
    return found && this.#afterEffects(found, pending);
  }

  at(conversationId: ConversationId, position: Position): Message | undefined {
    const row = this.#store.get(messageTable, conversationId, position);
    if (row === undefined || hasDisappeared(row, Date.now())) return undefined;
    return this.withEffects(this.#accepted({ conversationId, position, ...row }, () => this.#others(conversationId)));
  }

  /** After all that was done to it, as far as this device knows. */
  withEffects(message: Message): Message {
    return this.#afterEffects(message, this.#outgoing(message.conversationId));
  }

  /** How long what is said now stays, in seconds; `undefined`: for ever. */
  disappearing(conversationId: ConversationId): number | undefined {
    const rule = this.#outgoing(conversationId).findLast(({ content }) => content.type === 'disappearing')?.content;
    return rule?.type === 'disappearing' ? rule.seconds : this.#store.get(disappearingTable, conversationId)?.seconds;
  }

  /** Whether this account may delete what others wrote. */
  isAdmin(conversationId: ConversationId): boolean {
    const row = this.#store.get(conversationTable, conversationId);
    if (row?.kind === 'channel') return row.role !== undefined && row.role !== 'member';
    return row?.kind === 'group' && row.members.some(({ accountId, role }) => accountId === this.#own.accountId && role !== 'member');
  }

  /** Whether this account may write there, as far as this device knows. */
  mayWrite(conversationId: ConversationId): boolean {
    return this.#store.get(conversationTable, conversationId)?.kind !== 'channel' || this.isAdmin(conversationId);
  }

  /** Of the peer; in a group of everybody else together: what all of them have, or were not there for. */
  receipts(conversationId: ConversationId): PeerReceipts {
    return commonReceipts(this.#others(conversationId));
  }

  /** Of everybody else, each as far as the furthest of its devices. */
  receiptsByMember(conversationId: ConversationId): ReadonlyMap<AccountId, PeerReceipts> {
    const furthest = new Map<AccountId, PeerReceipts>();
    for (const { key, row } of this.#store.range(receiptTable, [conversationId])) {
      const accountId = String(key[1]).split('.')[0] as AccountId;
      if (accountId !== this.#own.accountId) furthest.set(accountId, furthestReceipts(furthest.get(accountId), row));
    }
    return furthest;
  }

  /** Everybody else who is in the conversation. */
  #others(conversationId: ConversationId): readonly Other[] {
    const receipts = this.receiptsByMember(conversationId);
    const row = this.#store.get(conversationTable, conversationId);
    if (row?.kind !== 'group') return [...receipts.values()];
    const others = row.members.filter(({ accountId }) => accountId !== this.#own.accountId);
    return others.map(({ accountId }) => ({ ...receipts.get(accountId), joinedAt: whereJoined(row, accountId, this.#own.accountId) }));
  }

  /** Receipts are asked for own messages only: those of a large group take a while to read. */
  #accepted(message: Message & MessagePlace, others: () => readonly Other[]): Message {
    const isOwn = message.sender.accountId === this.#own.accountId;
    return isOwn ? { ...message, state: stateAt(message.position, others()) } : message;
  }

  /** `pending`: what this device is sending, which counts already. */
  #afterEffects(message: Message, pending: readonly OutboxMessage[]): Message {
    const { conversationId, messageId } = message;
    const effects = new Map<string, Effect>(this.#store.range(effectTable, [conversationId, messageId]).map(({ key, row }) => [String(key[2]), row]));
    for (const { content } of pending) {
      if (!isEffect(content) || content.messageId !== messageId) continue;
      const effect: Effect = { accountId: this.#own.accountId, acceptedAtMs: Date.now(), content, byAdmin: content.type === 'delete' };
      effects.set(slotOf(effect), effect);
    }
    return { ...message, ...outcomeOf(message, [...effects.values()]) };
  }

  #outgoing(conversationId: ConversationId): readonly OutboxMessage[] {
    return this.#store.range(outboxTable, [conversationId]).flatMap(({ row }) => (row.kind === 'message' ? [row] : []));
  }

  #pending(conversationId: ConversationId, outgoing: readonly OutboxMessage[]): Message[] {
    const sender = this.#own;
    return outgoing.flatMap(({ messageId, content, ttlSeconds }) =>
      isEffect(content) ? [] : [{ conversationId, messageId, sender, content, ttlSeconds, state: 'pending' as const }],
    );
  }

  #failed(conversationId: ConversationId): Message[] {
    const sender = this.#own;
    return this.#store.range(failedTable, [conversationId]).map(({ key, row }) => ({
      ...{ conversationId, sender, content: row.content, failure: row.code },
      messageId: key[1] as Message['messageId'],
      state: 'failed',
    }));
  }
}

/** How far somebody else got, and where it came if it was not there before. */
interface Other extends PeerReceipts {
  readonly joinedAt?: Position | undefined;
}

/** By those who were there when it was sent. A read message was delivered, whatever came first. */
function stateAt(position: Position, others: readonly Other[]): OutgoingState {
  const concerned = others.filter(({ joinedAt = -1 }) => joinedAt < position);
  const have = (mark: 'delivered' | 'read') => concerned.length > 0 && concerned.every((other) => reaches(other, mark, position));
  if (have('read')) return 'read';
  return have('delivered') ? 'delivered' : 'accepted';
}
