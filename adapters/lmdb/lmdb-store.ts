import { open, type Database, type RootDatabase } from 'lmdb';

export interface LmdbStoreOptions {
  readonly directory: string;
  /** Writes gather so long for one commit, and so for one sync; 0 commits at once. */
  readonly commitDelayMs: number;
}

/** Else every sixth write makes a commit too. Missing in the types of lmdb-js. */
const onlyByTime = { txnStartThreshold: Number.MAX_SAFE_INTEGER };

/** One LMDB environment. It commits in the order of the calls, so whatever is committed later is never durable without what was committed earlier. */
export class LmdbStore {
  readonly #root: RootDatabase<Buffer, Buffer>;

  constructor({ directory, commitDelayMs }: LmdbStoreOptions) {
    this.#root = open({
      path: directory,
      maxDbs: 256,
      noMemInit: true,
      encoding: 'binary',
      keyEncoding: 'binary',
      cache: false,
      commitDelay: commitDelayMs,
      // Else every turn of the event loop that writes makes a commit, and the delay does not count.
      eventTurnBatching: commitDelayMs === 0,
      ...onlyByTime,
    });
  }

  /** Byte keys in byte order, byte values. */
  database(name: string): Database<Buffer, Buffer> {
    return this.#root.openDB({ name, encoding: 'binary', keyEncoding: 'binary', cache: false });
  }

  /** Number keys in their order, byte values. */
  sequence(name: string): Database<Buffer, number> {
    return this.#root.openDB<Buffer, number>({ name, encoding: 'binary', keyEncoding: 'ordered-binary', cache: false });
  }

  /** Resolves once everything that is committed now survives a crash of the machine. */
  async flushed(): Promise<void> {
    await this.#root.flushed;
  }

  async close(): Promise<void> {
    await this.#root.flushed;
    await this.#root.close();
  }
}
