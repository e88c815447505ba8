import type { ConversationId } from '../../protocol/ids.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import type { DeviceStore } from '../store/device-store.js';
import type { Gap } from './message.js';
import { gapTable } from './message-tables.js';

/** What the server had for this device and will never deliver: kept, so that nobody takes a conversation for complete that is not. */
export class GapBook {
  readonly #store: DeviceStore;

  constructor(store: DeviceStore) {
    this.#store = store;
  }

  /** The same gap told again is one. One that names no conversation belongs to none, and is not kept. */
  async add({ conversationId, reason, from, to, messageIds }: Extract<ServerFrame, { type: 'gap' }>): Promise<void> {
    if (conversationId === undefined) return;
    const unit = this.#store.begin();
    unit.put(gapTable, [conversationId, from ?? 0, to ?? 0], { reason, from, to, messageIds });
    await unit.commit();
  }

  of(conversationId: ConversationId): readonly Gap[] {
    return this.#store.range(gapTable, [conversationId]).map(({ row }) => row);
  }
}
