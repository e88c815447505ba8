import { DomainError } from '../../protocol/errors.js';
import type { BlobId, MessageId } from '../../protocol/ids.js';
import { processedTable } from '../messages/message-tables.js';
import type { RestClient } from '../rest/rest-client.js';
import type { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { DeviceStore } from '../store/device-store.js';
import { table } from '../store/table.js';
import type { Connection } from '../transport/connection.js';

/** `fetched`: the bytes are here. `deleted`: this account deleted the message of the file, by the message `by`. */
type FileReport = { readonly kind: 'fetched' } | { readonly kind: 'deleted'; readonly by: MessageId };

/** Key: blob id. What the server is still to be told of files. */
const fileReportTable = table<FileReport>('file-report');

export interface FileReportsDependencies {
  readonly store: DeviceStore;
  readonly rest: RestClient;
  readonly signal: SerialQueue;
  readonly inBackground: (work: Promise<unknown>) => void;
}

/** Tells the server what became of files here, now or at the next connection: what it no longer waits for it deletes. */
export class FileReports {
  readonly #dependencies: FileReportsDependencies;
  #connection: Connection | undefined;
  #telling: Promise<void> = Promise.resolve();

  constructor(dependencies: FileReportsDependencies) {
    this.#dependencies = dependencies;
  }

  connected(connection: Connection): void {
    this.#connection = connection;
    this.tell();
  }

  disconnected(): void {
    this.#connection = undefined;
  }

  /** Resolves when a kill of the process cannot lose it. */
  async add(blobId: BlobId, report: FileReport): Promise<void> {
    await changeInTurn(this.#dependencies, (unit) => {
      unit.put(fileReportTable, [blobId], report);
    });
    this.tell();
  }

  /** The server will never take the message: the file stays with the one that was to be deleted. */
  async deletionFailed(by: MessageId): Promise<void> {
    await changeInTurn(this.#dependencies, (unit) => {
      for (const { key, row } of this.#dependencies.store.range(fileReportTable, [])) {
        if (row.kind === 'deleted' && row.by === by) unit.remove(fileReportTable, String(key[0]));
      }
    });
  }

  /** A deletion may have been accepted. */
  tell(): void {
    this.#telling = this.#telling.catch(() => undefined).then(() => this.#tellAll());
    this.#dependencies.inBackground(this.#telling);
  }

  async #tellAll(): Promise<void> {
    for (const { key, row } of this.#dependencies.store.range(fileReportTable, [])) {
      const blobId = key[0] as BlobId;
      if (!(await this.#isTold(blobId, row))) continue;
      await changeInTurn(this.#dependencies, (unit) => {
        unit.remove(fileReportTable, blobId);
      });
    }
  }

  /** Also when the server says that it waits for no such thing. */
  async #isTold(blobId: BlobId, report: FileReport): Promise<boolean> {
    const { store, rest } = this.#dependencies;
    const connection = this.#connection;
    if (connection === undefined) return false;
    try {
      if (report.kind === 'fetched') await connection.request({ type: 'media.fetched', blobId });
      // A message that may still fail is not there yet for the others.
      else if (store.get(processedTable, report.by) === undefined) return false;
      else await rest.call('revokeMedia', { params: { blobId } });
      return true;
    } catch (error) {
      return error instanceof DomainError && error.code === 'not_found';
    }
  }
}
