import type { Database, RangeIterable, RangeOptions } from 'lmdb';

/** One database of an environment. Reads see what is committed; writes resolve when they survive a crash of the machine. */
export class LmdbTable<Key extends Buffer | number> {
  readonly #database: Database<Buffer, Key>;
  readonly #write: (write: () => Promise<boolean>, bytes: number) => Promise<unknown>;

  constructor(database: Database<Buffer, Key>, write: (write: () => Promise<boolean>, bytes: number) => Promise<unknown>) {
    this.#database = database;
    this.#write = write;
  }

  get(key: Key): Buffer | undefined {
    return this.#database.get(key);
  }

  has(key: Key): boolean {
    return this.#database.doesExist(key);
  }

  range(options: RangeOptions): RangeIterable<{ key: Key; value: Buffer }> {
    return this.#database.getRange(options);
  }

  keys(options: RangeOptions): RangeIterable<Key> {
    return this.#database.getKeys(options);
  }

  /** Of its pages, whether they are full or not. */
  bytes(): number {
    const stats = this.#database.getStats() as Record<string, number>;
    const pages = (stats['treeBranchPageCount'] ?? 0) + (stats['treeLeafPageCount'] ?? 0) + (stats['overflowPages'] ?? 0);
    return pages * (stats['pageSize'] ?? 4_096);
  }

  put(key: Key, value: Buffer): Promise<unknown> {
    return this.#write(() => this.#database.put(key, value), value.byteLength);
  }

  remove(key: Key): Promise<unknown> {
    return this.#write(() => this.#database.remove(key), 0);
  }
}
