import { DomainError } from '../../protocol/errors.js';
import { deviceKey, type BlobId, type LinkId } from '../../protocol/ids.js';
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
import { historyOfferTable, historyWantedTable, linkStepTable, type HistoryOffer, type HistoryWanted } from './history-tables.js';

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
    for (const { row } of store.range(historyWantedTable, [])) await this.#give(row);
    for (const { key, row } of store.range(historyOfferTable, [])) await this.#take(key[0] as BlobId, row);
    for (const { key } of store.range(linkStepTable, [])) await this.#tell(key[0] as LinkId);
  }

  async #give({ to, linkId, conversationId }: HistoryWanted): Promise<void> {
    const { store, files, onAsked } = this.#dependencies;
    const archive = await packArchive(historyRows(store));
    const pointer = archive === undefined ? undefined : await files.put(archive);
    await changeInTurn(this.#dependencies, (unit) => {
      unit.remove(historyWantedTable, deviceKey(to));
      unit.put(linkStepTable, [linkId], pointer === undefined ? 'nothing' : 'offered');
      if (pointer !== undefined) putKeys(unit, { conversationId, to, note: { type: 'history', conversationId, linkId, ...pointer } });
    });
    onAsked();
  }

  async #take(blobId: BlobId, offer: HistoryOffer): Promise<void> {
    const { rest, onKept } = this.#dependencies;
    const archive = await this.#fetch({ ...offer, blobId });
    // It lay there for too long, or is not what it was.
    if (archive === undefined) return this.#settle(blobId, offer, 'again');
    const history = await unpackArchive(archive).catch(async (error: unknown) => {
      // Of a newer version, which another time would not help.
      await this.#settle(blobId, offer);
      throw error;
    });
    let messages = 0;
    for (const rows of inChunks(history, rowsPerChange)) {
      const kept = await changeInTurn(this.#dependencies, (unit) => rows.map((row) => keepHistoryRow(unit, row, Date.now())));
      messages += kept.filter((isNew) => isNew).length;
    }
    await this.#settle(blobId, offer);
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
  async #settle(blobId: BlobId, { from, linkId, conversationId }: HistoryOffer, again?: 'again'): Promise<void> {
    await changeInTurn(this.#dependencies, (unit) => {
      unit.remove(historyOfferTable, blobId);
      if (again === undefined) unit.put(linkStepTable, [linkId], 'taken');
      else putKeys(unit, { conversationId, to: from, note: { type: 'history-wanted', conversationId, linkId } });
    });
    this.#dependencies.onAsked();
  }

  /** The server sees to the link until it has heard. */
  async #tell(linkId: LinkId): Promise<void> {
    const { store, rest } = this.#dependencies;
    const step = store.get(linkStepTable, linkId);
    if (step === undefined) return;
    try {
      await rest.call('tellLinkStep', { params: { linkId }, body: { step } });
    } catch (error) {
      // It was given up, or one of the two devices was removed.
      if (!(error instanceof DomainError) || error.code !== 'not_found') throw error;
    }
    await changeInTurn(this.#dependencies, (unit) => {
      unit.remove(linkStepTable, linkId);
    });
  }
}
