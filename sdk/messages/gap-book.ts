import type { ConversationId } from '../../protocol/ids.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import type { DeviceStore } from '../store/device-store.js';
import type { Gap } from './message.js';
import { gapTable, messageTable } from './message-tables.js';

/** What the server had for this device and does not deliver: kept, so that nobody takes a conversation for complete that is not. */
export class GapBook {
  readonly #store: DeviceStore;

  constructor(store: DeviceStore) {
    this.#store = store;
  }

  /** Answers whether it is new. One that names no conversation belongs to none, and is not kept. */
  async add({ conversationId, reason, from, to, messageIds }: Extract<ServerFrame, { type: 'gap' }>): Promise<boolean> {
    if (conversationId === undefined) return true;
    const key = [conversationId, from ?? 0, to ?? 0] as const;
    if (this.#store.get(gapTable, ...key) !== undefined) return false;
    const unit = this.#store.begin();
    unit.put(gapTable, key, { reason, from, to, messageIds });
    await unit.commit();
    return true;
  }

  /** What was released from quarantine is missing no more. */
  of(conversationId: ConversationId): readonly Gap[] {
    const gaps = this.#store.range(gapTable, [conversationId]).map(({ row }) => row);
    const hasCome = ({ reason, from }: Gap) =>
      reason === 'quarantined' && from !== undefined && this.#store.get(messageTable, conversationId, from) !== undefined;
    return gaps.filter((gap) => !hasCome(gap));
  }
}
