import { deviceKey, type ConversationId, type DeviceAddress, type Position } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { ReceiptItem } from '../../protocol/server-frames.js';
import type { DeviceStore } from '../store/device-store.js';
import type { Connection } from '../transport/connection.js';
import { mergedReceipts } from './message-archive.js';
import { conversationTable, messageTable, readTable, receiptTable, unsentReadTable } from './message-tables.js';

export interface ReceiptBookDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly onReceipts: (conversationId: ConversationId) => void;
}

/** How far devices got and people read: watermarks, which only rise. */
export class ReceiptBook {
  readonly #dependencies: ReceiptBookDependencies;
  #connection: Connection | undefined;

  constructor(dependencies: ReceiptBookDependencies) {
    this.#dependencies = dependencies;
  }

  /** Asks for what was missed while away, and tells what was read meanwhile. Throws SdkError `offline`. */
  async connected(connection: Connection): Promise<void> {
    this.#connection = connection;
    const all = this.#dependencies.store.range(conversationTable, []).map(({ key }) => key[0] as ConversationId);
    for (let from = 0; from < all.length; from += limits.maxReceiptConversations) {
      const conversations = all.slice(from, from + limits.maxReceiptConversations);
      const reply = await connection.request({ type: 'receipts.get', conversations });
      if (reply.type === 'ok') await this.take(reply.items ?? []);
    }
    for (const { key } of this.#dependencies.store.range(unsentReadTable, [])) await this.#tell(key[0] as ConversationId);
  }

  disconnected(): void {
    this.#connection = undefined;
  }

  async take(items: readonly ReceiptItem[]): Promise<void> {
    const { store, own, onReceipts } = this.#dependencies;
    const unit = store.begin();
    const changed = new Set<ConversationId>();
    for (const { conversationId, accountId, deviceId, deliveredPosition, readPosition } of items) {
      const key = [conversationId, deviceId === undefined ? accountId : deviceKey({ accountId, deviceId })];
      const known = unit.get(receiptTable, ...key);
      const merged = mergedReceipts(known, { delivered: deliveredPosition, read: readPosition });
      if (known?.delivered === merged.delivered && known?.read === merged.read) continue;
      unit.put(receiptTable, key, merged);
      if (accountId !== own.accountId) changed.add(conversationId);
    }
    await unit.commit();
    for (const conversationId of changed) onReceipts(conversationId);
  }

  /** Durable here when it resolves; the server hears of it now or at the next connection. Without position: up to the newest message. */
  async markRead(conversationId: ConversationId, upTo?: Position): Promise<void> {
    const { store } = this.#dependencies;
    const [newest] = store.range(messageTable, [conversationId], { limit: 1, newestFirst: true });
    const position = upTo ?? (newest?.key[1] as Position | undefined);
    if (position === undefined || position <= (store.get(readTable, conversationId) ?? -1)) return;
    const unit = store.begin();
    unit.put(readTable, [conversationId], position);
    unit.put(unsentReadTable, [conversationId], position);
    await unit.commit();
    await this.#tell(conversationId).catch(() => undefined);
  }

  async #tell(conversationId: ConversationId): Promise<void> {
    const { store } = this.#dependencies;
    const connection = this.#connection;
    const position = store.get(unsentReadTable, conversationId);
    const peer = store.get(conversationTable, conversationId)?.peer;
    if (connection === undefined || position === undefined || peer === undefined) return;
    await connection.request({ type: 'read', conversationId, position, senders: [peer] });
    if (store.get(unsentReadTable, conversationId) !== position) return;
    const unit = store.begin();
    unit.remove(unsentReadTable, conversationId);
    await unit.commit();
  }
}
