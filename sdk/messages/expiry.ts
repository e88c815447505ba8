import type { ConversationId, MessageId, Position } from '../../protocol/ids.js';
import type { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { DeviceStore } from '../store/device-store.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { placeOf } from './keep-content.js';
import { contentKeyTable, effectTable, expiryTable, messageTable, untoldTable, type ExpiryRow } from './message-tables.js';

export interface Disappeared {
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
}

export interface ExpiryDependencies {
  readonly store: DeviceStore;
  /** Of everything that touches Signal state; what is kept changes there alone. */
  readonly signal: SerialQueue;
  /** After they are deleted. */
  readonly onDisappeared: (messages: readonly Disappeared[]) => void;
  /** Of work that nobody awaits, and that fails without harm. */
  readonly inBackground: (work: Promise<unknown>) => void;
}

interface Due {
  readonly atMs: number;
  readonly conversationId: ConversationId;
  readonly position: Position;
  readonly row: ExpiryRow;
}

const rowsPerChange = 100;
/** A clock may be set meanwhile, and a timer takes no more than 24 days. */
const maxWaitMs = 3_600_000;

/** Deletes what is due: text, content key, and what was done to the message. One timer, for what is due first. */
export class Expiry {
  readonly #dependencies: ExpiryDependencies;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(dependencies: ExpiryDependencies) {
    this.#dependencies = dependencies;
    this.look();
  }

  /** Something may be due earlier than what was known. */
  look(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    const [first] = this.#dependencies.store.range(expiryTable, [], { limit: 1 });
    if (first === undefined) return;
    const waitMs = Math.min(maxWaitMs, Math.max(0, Number(first.key[0]) - Date.now()));
    this.#timer = setTimeout(() => {
      this.#dependencies.inBackground(this.#deleteDue());
    }, waitMs);
    this.#timer.unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #deleteDue(): Promise<void> {
    const { store, onDisappeared } = this.#dependencies;
    while (!this.#closed) {
      const gone = await changeInTurn(this.#dependencies, (unit) => {
        const rows = store.range(expiryTable, [], { before: Date.now() + 1, limit: rowsPerChange });
        const due = rows.map(({ key, row }) => ({ ...placeOfKey(key), row }));
        return { rows: due.length, messages: due.flatMap((one) => deleteOne(store, unit, one)) };
      });
      if (gone.messages.length > 0) onDisappeared(gone.messages);
      if (gone.rows < rowsPerChange) break;
    }
    this.look();
  }
}

function placeOfKey([atMs, conversationId, position]: readonly unknown[]): Omit<Due, 'row'> {
  return { atMs: atMs as number, conversationId: conversationId as ConversationId, position: position as Position };
}

function deleteOne(store: DeviceStore, unit: UnitOfWork, { atMs, conversationId, position, row }: Due): Disappeared[] {
  const { messageId, effect } = row;
  unit.remove(expiryTable, atMs, conversationId, position);
  unit.remove(contentKeyTable, messageId);
  if (effect !== undefined) {
    const { target, slot } = effect;
    const isNewest = unit.get(effectTable, conversationId, target, slot)?.position === position;
    // It goes with its message, if that is here.
    if (isNewest && placeOf(unit, conversationId, target) === undefined) unit.remove(effectTable, conversationId, target, slot);
    return [];
  }
  unit.remove(messageTable, conversationId, position);
  unit.remove(untoldTable, conversationId, position);
  for (const { key, row: done } of store.range(effectTable, [conversationId, messageId])) {
    unit.remove(effectTable, conversationId, messageId, String(key[2]));
    unit.remove(contentKeyTable, done.messageId);
  }
  return [{ conversationId, messageId }];
}
