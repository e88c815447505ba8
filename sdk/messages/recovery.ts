import { DomainError } from '../../protocol/errors.js';
import type { ConversationId, DeviceAddress, Position } from '../../protocol/ids.js';
import type { HistoryPage } from '../../protocol/rest/conversation.js';
import { openBody } from '../encryption/body-seal.js';
import { decodeContent, isEffect, type Said } from '../encryption/content.js';
import type { RestClient } from '../rest/rest-client.js';
import { SdkError } from '../sdk-error.js';
import type { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { DeviceStore } from '../store/device-store.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { askContentKey } from './content-keys.js';
import { keepContent, placeOf, type MessagePlace } from './keep-content.js';
import { contentKeyTable, givenKeyTable, lackedKeyTable, messageTable, processedTable, untoldTable, type GivenKeyRow } from './message-tables.js';

const askAgainMs = 3_600_000;
const maxAsks = 3;

export interface RecoveryDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly rest: RestClient;
  /** Of everything that touches Signal state. */
  readonly signal: SerialQueue;
  /** Durable, and to be told: new messages, and such as were here without being opened. */
  readonly onRecovered: (messages: readonly MessagePlace[], changes: readonly MessagePlace[]) => void;
  /** Something waits in the outbox. */
  readonly onAsked: () => void;
}

interface Opened {
  readonly item: HistoryPage['items'][number];
  readonly said: Said;
}

/** Messages that this device missed, or could not open, and whose keys came later: their bodies come from history. A kill at any moment leaves what is to be done for the next connection. */
export class Recovery {
  readonly #dependencies: RecoveryDependencies;
  #working: Promise<void> | undefined;
  #again = false;

  constructor(dependencies: RecoveryDependencies) {
    this.#dependencies = dependencies;
  }

  /** On every connection: what is left, and asks that nobody answered, three times at most. Throws as `recover` does. */
  async connected(): Promise<void> {
    const { onAsked } = this.#dependencies;
    const nowMs = Date.now();
    const asked = await changeInTurn(this.#dependencies, (unit) => this.#askAgain(unit, nowMs));
    if (asked) onAsked();
    await this.recover();
  }

  /** Keys have come. Throws SdkError `offline`, and what the server refuses for the moment. */
  recover(): Promise<void> {
    this.#again = true;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
    return this.#working;
  }

  #askAgain(unit: UnitOfWork, nowMs: number): boolean {
    const rows = this.#dependencies.store.range(lackedKeyTable, []);
    const due = rows.filter(({ row: { asks, askedAtMs } }) => asks < maxAsks && nowMs - askedAtMs >= askAgainMs);
    const asked = due.map(({ key, row }) => {
      const [conversationId, position] = key as readonly [ConversationId, Position];
      return askContentKey(unit, { conversationId, position, messageId: row.messageId, sender: row.sender }, nowMs);
    });
    return asked.includes(true);
  }

  async #work(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      for (const { key, row } of this.#dependencies.store.range(givenKeyTable, [])) {
        const place = { conversationId: key[0] as ConversationId, position: key[1] as Position };
        await this.#keep(place, row, await this.#open(place, row));
      }
    }
  }

  /** `undefined`: there is no such message any more, or the key is not its. */
  async #open({ conversationId, position }: MessagePlace, { messageId, key, digest, from }: GivenKeyRow): Promise<Opened | undefined> {
    try {
      const query = { after: position - 1, before: undefined, limit: 1 };
      const [item] = (await this.#dependencies.rest.call('getMessages', { params: { conversationId }, query })).items;
      if (item?.messageId !== messageId || item.position !== position || item.sender.accountId !== from || item.body === undefined) return undefined;
      return { item, said: decodeContent(openBody({ conversationId, messageId, sender: item.sender }, { key, digest }, item.body)) };
    } catch (error) {
      const isOver = error instanceof DomainError && (error.code === 'not_a_member' || error.code === 'gone');
      if (isOver || (error instanceof SdkError && error.code === 'undecryptable')) return undefined;
      throw error;
    }
  }

  async #keep(place: MessagePlace, { messageId, key, digest, from }: GivenKeyRow, opened: Opened | undefined): Promise<void> {
    const { conversationId, position } = place;
    const kept = await changeInTurn(this.#dependencies, (unit) => {
      unit.remove(givenKeyTable, conversationId, position);
      // It may have come in another way meanwhile.
      if (opened === undefined || unit.get(contentKeyTable, messageId) !== undefined) return undefined;
      unit.remove(lackedKeyTable, conversationId, position);
      unit.put(contentKeyTable, [messageId], { key, digest, conversationId, author: from });
      unit.put(processedTable, [messageId], position);
      const wasHere = placeOf(unit, conversationId, messageId) !== undefined;
      // What stood for it is no message of its own.
      if (isEffect(opened.said.content)) unit.remove(messageTable, conversationId, position);
      const { added, changed } = keepContent(unit, { ...opened.item, ...opened.said }, Date.now());
      const isNew = added !== undefined && !wasHere;
      if (isNew) unit.put(untoldTable, [conversationId, position], true);
      return { isNew, changed: changed ?? (added !== undefined && wasHere ? place : undefined) };
    });
    if (kept === undefined) return;
    this.#dependencies.onRecovered(kept.isNew ? [place] : [], kept.changed === undefined ? [] : [kept.changed]);
  }
}
