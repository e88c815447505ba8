import { DomainError } from '../../protocol/errors.js';
import { deviceKey, type BlobId, type ConversationId, type DeviceAddress } from '../../protocol/ids.js';
import type { FilePointer, Files } from '../files/files.js';
import { inChunks } from '../in-chunks.js';
import { putKeys } from '../messages/outbox-rows.js';
import type { RestClient } from '../rest/rest-client.js';
import { SdkError } from '../sdk-error.js';
import type { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { DeviceStore } from '../store/device-store.js';
import { packArchive, unpackArchive } from './history-archive.js';
import { historyRows, keepHistoryRow } from './history-rows.js';
import { historyOfferTable, historyWantedTable, type HistoryOffer } from './history-tables.js';

const rowsPerChange = 500;

export interface HistoryTransferDependencies {
  readonly store: DeviceStore;
  readonly rest: RestClient;
  readonly files: Pick<Files, 'put' | 'get'>;
  /** Of everything that touches Signal state. */
  readonly signal: SerialQueue;
  /** So many messages from before this device was linked are here. */
  readonly onKept: (messages: number) => void;
  /** Something waits in the outbox now. */
  readonly onAsked: () => void;
}

/**
 * What was said before a device was linked goes to it from the device that linked it, as a sealed file whose key goes by their session: the server sees a file of the account.
 * Who wants it and what is offered is durable, and done when there is a connection; after a kill it is done again.
 */
export class HistoryTransfer {
  readonly #dependencies: HistoryTransferDependencies;
  #working: Promise<void> = Promise.resolve();

  constructor(dependencies: HistoryTransferDependencies) {
    this.#dependencies = dependencies;
  }

  /** On every connection, once what waited for this device is here: it is history too. And when a note came. Throws SdkError `offline`, and what the server refuses for the moment. */
  work(): Promise<void> {
    this.#working = this.#working.catch(() => undefined).then(() => this.#work());
    return this.#working;
  }

  async #work(): Promise<void> {
    const { store } = this.#dependencies;
    for (const { row } of store.range(historyWantedTable, [])) await this.#give(row.to, row.conversationId);
    for (const { key, row } of store.range(historyOfferTable, [])) await this.#take(key[0] as BlobId, row);
  }

  async #give(to: DeviceAddress, conversationId: ConversationId): Promise<void> {
    const { store, files, onAsked } = this.#dependencies;
    const archive = await packArchive(historyRows(store));
    const pointer = archive === undefined ? undefined : await files.put(archive);
    await changeInTurn(this.#dependencies, (unit) => {
      unit.remove(historyWantedTable, deviceKey(to));
      if (pointer !== undefined) putKeys(unit, { conversationId, to, note: { type: 'history', conversationId, ...pointer } });
    });
    onAsked();
  }

  async #take(blobId: BlobId, { from, conversationId, ...pointer }: HistoryOffer): Promise<void> {
    const { rest, onKept } = this.#dependencies;
    const archive = await this.#fetch({ ...pointer, blobId });
    // It lay there for too long, or is not what it was.
    if (archive === undefined) return this.#settle(blobId, { to: from, conversationId });
    const history = await unpackArchive(archive).catch(async (error: unknown) => {
      // Of a newer version, which another time would not help.
      await this.#settle(blobId);
      throw error;
    });
    let messages = 0;
    for (const rows of inChunks(history, rowsPerChange)) {
      const kept = await changeInTurn(this.#dependencies, (unit) => rows.map((row) => keepHistoryRow(unit, row, Date.now())));
      messages += kept.filter((isNew) => isNew).length;
    }
    await this.#settle(blobId);
    onKept(messages);
    // Whose time ends anyhow.
    await rest.call('revokeMedia', { params: { blobId } }).catch(() => undefined);
  }

  /** `undefined`: it is gone. */
  async #fetch(pointer: FilePointer): Promise<Uint8Array | undefined> {
    try {
      return await this.#dependencies.files.get(pointer);
    } catch (error) {
      const isGone = error instanceof DomainError && (error.code === 'gone' || error.code === 'not_found');
      if (isGone || (error instanceof SdkError && error.code === 'undecryptable')) return undefined;
      throw error;
    }
  }

  /** With `again` it is asked for once more. */
  async #settle(blobId: BlobId, again?: { readonly to: DeviceAddress; readonly conversationId: ConversationId }): Promise<void> {
    await changeInTurn(this.#dependencies, (unit) => {
      unit.remove(historyOfferTable, blobId);
      if (again !== undefined) putKeys(unit, { ...again, note: { type: 'history-wanted', conversationId: again.conversationId } });
    });
    this.#dependencies.onAsked();
  }
}
