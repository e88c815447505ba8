import { open, type Database, type RootDatabase } from 'lmdb';

import { LmdbTable } from './lmdb-table.js';

export interface LmdbStoreOptions {
  readonly directory: string;
  /** Writes gather so long for one commit, and so for one sync; 0 commits at once. */
  readonly commitDelayMs: number;
}

/** Above it a commit does not wait any longer. */
const maxGatheredBytes = 2 * 1024 * 1024;

interface Batch {
  readonly writes: (() => Promise<boolean>)[];
  readonly committed: Promise<void>;
}

/** One LMDB environment. It commits in the order of the calls, so whatever is committed later is never durable without what was committed earlier. */
export class LmdbStore {
  readonly #root: RootDatabase<Buffer, Buffer>;
  readonly #commitDelayMs: number;
  /** The one that gathers now. */
  #batch: Batch | undefined;
  #newest: Promise<void> = Promise.resolve();
  #gatheredBytes = 0;
  #commitNow: () => void = () => undefined;

  constructor({ directory, commitDelayMs }: LmdbStoreOptions) {
    this.#commitDelayMs = commitDelayMs;
    this.#root = open({
      path: directory,
      maxDbs: 256,
      noMemInit: true,
      encoding: 'binary',
      keyEncoding: 'binary',
      cache: false,
    });
  }

  /** Byte keys in byte order, byte values. */
  database(name: string): LmdbTable<Buffer> {
    return this.#table(this.#root.openDB({ name, encoding: 'binary', keyEncoding: 'binary', cache: false }));
  }

  /** Number keys in their order, byte values. */
  sequence(name: string): LmdbTable<number> {
    return this.#table(this.#root.openDB<Buffer, number>({ name, encoding: 'binary', keyEncoding: 'ordered-binary', cache: false }));
  }

  /** Resolves once everything that was written until now survives a crash of the machine. */
  async flushed(): Promise<void> {
    await this.#newest;
    await this.#root.flushed;
  }

  async close(): Promise<void> {
    this.#commitNow();
    await this.flushed();
    await this.#root.close();
  }

  #table<Key extends Buffer | number>(database: Database<Buffer, Key>): LmdbTable<Key> {
    return new LmdbTable(database, (write, bytes) => this.#write(write, bytes));
  }

  /** lmdb-js makes one commit of what is written in one turn of the event loop; its own delay does not count while it does that. */
  #write(write: () => Promise<boolean>, bytes: number): Promise<unknown> {
    if (this.#commitDelayMs === 0) return write();
    this.#batch ??= this.#gather();
    const { writes, committed } = this.#batch;
    writes.push(write);
    this.#gatheredBytes += bytes;
    if (this.#gatheredBytes > maxGatheredBytes) this.#commitNow();
    return committed;
  }

  #gather(): Batch {
    const writes: Batch['writes'] = [];
    const committed = new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#commitNow(), this.#commitDelayMs);
      this.#commitNow = () => {
        clearTimeout(timer);
        this.#batch = undefined;
        this.#gatheredBytes = 0;
        this.#commitNow = () => undefined;
        resolve();
      };
    }).then(async () => {
      await Promise.all(new Set(writes.map((write) => write())));
    });
    this.#newest = committed;
    return { writes, committed };
  }
}
