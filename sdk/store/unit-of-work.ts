import type { KeyPart, Table } from './table.js';

/** A change of one row; without value the row goes. */
export interface RowChange {
  readonly key: readonly KeyPart[];
  readonly value: unknown;
}

/** Where a unit of work reads what it did not change itself, and what takes its changes. */
export interface RowSource {
  get(table: Table<unknown>, ...key: readonly KeyPart[]): unknown;
  apply(changes: readonly RowChange[]): Promise<void>;
}

/**
 * Changes that become visible and durable together or not at all. libsignal writes several times in one call; all of it gathers here and is committed once.
 * Not for concurrent use: one unit at a time, from the device's serial queue.
 */
export class UnitOfWork {
  readonly #source: RowSource;
  readonly #changes = new Map<string, RowChange>();

  constructor(source: RowSource) {
    this.#source = source;
  }

  get<Row>(table: Table<Row>, ...key: readonly KeyPart[]): Row | undefined {
    const changed = this.#changes.get(textOf(table, key));
    return (changed === undefined ? this.#source.get(table, ...key) : changed.value) as Row | undefined;
  }

  put<Row>(table: Table<Row>, key: readonly KeyPart[], row: Row): void {
    this.#changes.set(textOf(table, key), { key: [table.name, ...key], value: row });
  }

  remove(table: Table<unknown>, ...key: readonly KeyPart[]): void {
    this.#changes.set(textOf(table, key), { key: [table.name, ...key], value: undefined });
  }

  /** A part that may fail alone: its changes join this unit when it commits, and are forgotten otherwise. */
  part(): UnitOfWork {
    return new UnitOfWork({
      get: (table, ...key) => this.get(table, ...key),
      apply: (changes) => {
        for (const change of changes) this.#changes.set(JSON.stringify(change.key), change);
        return Promise.resolve();
      },
    });
  }

  /** Resolves when the changes are visible; a kill of the process cannot take them back. A loss of power can, until the disk has them (`DeviceStore.flushed`). */
  commit(): Promise<void> {
    return this.#source.apply([...this.#changes.values()]);
  }
}

function textOf(table: Table<unknown>, key: readonly KeyPart[]): string {
  return JSON.stringify([table.name, ...key]);
}
