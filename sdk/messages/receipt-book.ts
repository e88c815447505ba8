import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { DomainError } from '../../protocol/errors.js';
import { deviceKey, type AccountId, type ConversationId, type DeviceAddress, type Position } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { ReceiptChange } from '../../protocol/server-frames.js';
import { IdleWaiters } from '../idle-waiters.js';
import { inChunks } from '../in-chunks.js';
import { SdkError } from '../sdk-error.js';
import { SerialQueue } from '../serial-queue.js';
import type { DeviceStore } from '../store/device-store.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import type { Connection } from '../transport/connection.js';
import { conversationTable, messageTable, readTable, receiptTable, unsentReadTable, type ConversationRow } from './message-tables.js';
import { afterFailure, type AfterFailure } from './outbox-rules.js';
import { raisedReceipts } from './peer-receipts.js';

/** Of a group: older ones were read before. */
const messagesConcerned = 1_000;

export interface ReceiptBookDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly onReceipts: (conversationId: ConversationId) => void;
  /** Another device of the account read further than anybody here knew. */
  readonly onReadElsewhere: (conversationId: ConversationId, position: Position) => void;
  /** Of work that nobody awaits, and that fails without harm. */
  readonly inBackground: (work: Promise<unknown>) => void;
}

/** How far devices got and people read: watermarks, which only rise. */
export class ReceiptBook {
  readonly #dependencies: ReceiptBookDependencies;
  /** A watermark is read, compared and written: one after the other. */
  readonly #changes = new SerialQueue();
  readonly #telling = new Set<ConversationId>();
  /** Conversations that the server was asked about on this connection. */
  readonly #asked = new Set<ConversationId>();
  readonly #idleWaiters = new IdleWaiters();
  readonly #closing = new AbortController();
  #connection: Connection | undefined;

  constructor(dependencies: ReceiptBookDependencies) {
    this.#dependencies = dependencies;
  }

  /** Asks for what was missed while away, and tells what was read meanwhile. Throws SdkError `offline`, and what the server refuses. */
  async connected(connection: Connection): Promise<void> {
    const { store } = this.#dependencies;
    this.#connection = connection;
    this.#asked.clear();
    for (const { key } of store.range(unsentReadTable, [])) this.#tellSoon(key[0] as ConversationId);
    await this.#askOfNew(connection);
  }

  /** The account may have come into conversations: asks what was read in them while it was not there, or while this device was not. */
  look(): void {
    if (this.#connection !== undefined) this.#dependencies.inBackground(this.#askOfNew(this.#connection));
  }

  async #askOfNew(connection: Connection): Promise<void> {
    const rows = this.#dependencies.store.range(conversationTable, []).filter(({ row }) => this.#isIn(row));
    const present = new Set(rows.map(({ key }) => key[0] as ConversationId));
    for (const conversationId of this.#asked) if (!present.has(conversationId)) this.#asked.delete(conversationId);
    const unasked = [...present].filter((conversationId) => !this.#asked.has(conversationId));
    for (const conversationId of unasked) this.#asked.add(conversationId);
    for (const conversations of inChunks(unasked, limits.maxReceiptConversations)) await this.#askUntilAnswered(connection, conversations);
  }

  async #askUntilAnswered(connection: Connection, conversations: readonly ConversationId[]): Promise<void> {
    for (let failures = 0; ; failures += 1) {
      try {
        await this.#ask(connection, conversations);
        return;
      } catch (error) {
        await this.#waitAfter(error, afterRefusal(error, failures));
        if (this.#connection !== connection) return;
      }
    }
  }

  /** Of a group that somebody removed this account from, it may hear only now. */
  async #ask(connection: Connection, conversations: readonly ConversationId[]): Promise<void> {
    if (conversations.length === 0) return;
    try {
      const reply = await connection.request({ type: 'receipts.get', conversations: [...conversations] });
      if (reply.type === 'ok') await this.take((reply.items ?? []).map((item) => ({ ...item, arrived: this.#arrivedSince(item) })));
    } catch (error) {
      const left = error instanceof DomainError && error.code === 'not_a_member' ? error.detail?.['conversationId'] : undefined;
      const others = conversations.filter((conversationId) => conversationId !== left);
      if (others.length === conversations.length) throw error;
      // Or it was just added, and a gateway does not know yet.
      this.#asked.delete(left as ConversationId);
      await this.#ask(connection, others);
    }
  }

  #isIn(row: ConversationRow): boolean {
    if (row.kind === 'channel') return row.role !== undefined;
    return row.kind !== 'group' || row.members.some(({ accountId }) => accountId === this.#dependencies.own.accountId);
  }

  disconnected(): void {
    this.#connection = undefined;
  }

  /** An answer says all that is missing. */
  #arrivedSince({ conversationId, except = [], ...of }: ReceiptChange): Position[] {
    const known = this.#dependencies.store.get(receiptTable, ...keyOf({ conversationId, ...of }))?.except ?? [];
    return known.filter((position) => !except.includes(position));
  }

  take(items: readonly ReceiptChange[]): Promise<void> {
    const { store, own, onReceipts, onReadElsewhere } = this.#dependencies;
    return this.#changes.run(async () => {
      const unit = store.begin();
      const changed = new Set<ConversationId>();
      const readElsewhere = new Map<ConversationId, Position>();
      for (const item of items) {
        const { conversationId, accountId, deliveredPosition: delivered, readPosition: read, except, arrived } = item;
        const key = keyOf(item);
        const known = unit.get(receiptTable, ...key);
        const raised = raisedReceipts(known, { delivered, read, except, arrived });
        if (isDeepStrictEqual(known, raised)) continue;
        unit.put(receiptTable, key, raised);
        if (accountId !== own.accountId) changed.add(conversationId);
        else if (keepOwnRead(unit, conversationId, raised.read)) readElsewhere.set(conversationId, unit.get(readTable, conversationId) ?? 0);
      }
      await unit.commit();
      for (const conversationId of changed) onReceipts(conversationId);
      for (const [conversationId, position] of readElsewhere) onReadElsewhere(conversationId, position);
    });
  }

  /** By this account, on any of its devices. */
  readUpTo(conversationId: ConversationId): Position | undefined {
    return this.#dependencies.store.get(readTable, conversationId);
  }

  /** Durable here when it resolves; the server hears of it in the background, now or at the next connection. Without position: up to the newest message. */
  async markRead(conversationId: ConversationId, upTo?: Position): Promise<void> {
    const { store } = this.#dependencies;
    await this.#changes.run(async () => {
      const [newest] = store.range(messageTable, [conversationId], { limit: 1, newestFirst: true });
      const position = upTo ?? (newest?.key[1] as Position | undefined);
      if (position === undefined || position <= (store.get(readTable, conversationId) ?? -1)) return;
      const unit = store.begin();
      unit.put(readTable, [conversationId], position);
      unit.put(unsentReadTable, [conversationId], position);
      await unit.commit();
    });
    this.#tellSoon(conversationId);
  }

  /** The server knows everything that is marked as read. Throws SdkError `closed`. */
  async idle(): Promise<void> {
    await this.#changes.idle();
    if (this.#closing.signal.aborted) throw new SdkError('closed', 'the device was closed');
    if (!this.#isEmpty()) await this.#idleWaiters.wait();
  }

  close(): void {
    this.#closing.abort();
    this.#connection = undefined;
    this.#idleWaiters.closed();
  }

  #isEmpty(): boolean {
    return this.#dependencies.store.range(unsentReadTable, [], { limit: 1 }).length === 0;
  }

  /** One at a time for each conversation: what is read meanwhile goes with the next one. */
  #tellSoon(conversationId: ConversationId): void {
    if (this.#telling.has(conversationId)) return;
    this.#telling.add(conversationId);
    this.#dependencies.inBackground(this.#tell(conversationId));
  }

  async #tell(conversationId: ConversationId): Promise<void> {
    const { store } = this.#dependencies;
    let failures = 0;
    try {
      for (let connection = this.#connection; connection !== undefined; connection = this.#connection) {
        const position = store.get(unsentReadTable, conversationId);
        if (position === undefined) return;
        try {
          await connection.request({ type: 'read', conversationId, position, senders: this.#sendersUpTo(conversationId, position) });
          await this.#told(conversationId, position);
          failures = 0;
        } catch (error) {
          await this.#recover(error, { conversationId, position, failures });
          failures += 1;
        }
      }
    } finally {
      this.#telling.delete(conversationId);
      if (this.#isEmpty()) this.#idleWaiters.idle();
    }
  }

  /** Whom it concerns: of a direct conversation the peer, of a group those who wrote lately and are still in it. */
  #sendersUpTo(conversationId: ConversationId, position: Position): AccountId[] {
    const { store, own } = this.#dependencies;
    const row = store.get(conversationTable, conversationId);
    if (row === undefined || row.kind === 'channel') return [];
    if (row.kind !== 'group') return [row.peer];
    const members = new Set(row.members.map(({ accountId }) => accountId));
    const lately = store.range(messageTable, [conversationId], { before: position + 1, limit: messagesConcerned, newestFirst: true });
    const senders = new Set(lately.map(({ row: { sender } }) => sender.accountId));
    return [...senders].filter((accountId) => accountId !== own.accountId && members.has(accountId));
  }

  /** Waits until it may be tried again. What only another connection mends is thrown, as is what the server will never take: that is not told any more. */
  async #recover(error: unknown, { conversationId, position, failures }: { conversationId: ConversationId; position: Position; failures: number }) {
    const next = afterRefusal(error, failures);
    if (next.step === 'fail') await this.#told(conversationId, position);
    await this.#waitAfter(error, next);
  }

  /** Throws what only another connection mends, and what asking again does not. */
  async #waitAfter(error: unknown, next: AfterFailure): Promise<void> {
    if (next.step !== 'again') throw error;
    await sleep(next.afterMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }

  #told(conversationId: ConversationId, position: Position): Promise<void> {
    const { store } = this.#dependencies;
    return this.#changes.run(async () => {
      if (store.get(unsentReadTable, conversationId) !== position) return;
      const unit = store.begin();
      unit.remove(unsentReadTable, conversationId);
      await unit.commit();
    });
  }
}

function keyOf({ conversationId, accountId, deviceId }: ReceiptChange): readonly [ConversationId, string] {
  return [conversationId, deviceId === undefined ? accountId : deviceKey({ accountId, deviceId })];
}

/** `false`: it was known. */
function keepOwnRead(unit: UnitOfWork, conversationId: ConversationId, read: Position | undefined): boolean {
  if (read === undefined || read <= (unit.get(readTable, conversationId) ?? -1)) return false;
  unit.put(readTable, [conversationId], read);
  if ((unit.get(unsentReadTable, conversationId) ?? Infinity) <= read) unit.remove(unsentReadTable, conversationId);
  return true;
}

/** Unlike a message, what is asked of a conversation that is gone is over. */
function afterRefusal(error: unknown, failures: number): AfterFailure {
  const isGone = error instanceof DomainError && error.code === 'not_found';
  return isGone ? { step: 'fail', code: 'not_found' } : afterFailure(error, failures, Math.random());
}
