import type { AppendRecord, LogRecord } from '../../ports/event-log.js';
import type { LmdbTable } from './lmdb-table.js';

/** A record that has its place, and how it is stored. */
export interface TakenRecord {
  readonly record: LogRecord;
  readonly stored: Buffer;
}

/** Of one read from LMDB. */
const maxReadBytes = 4 * 1024 * 1024;
const headerBytes = 10;
const maxDeletesPerRun = 20_000;
/** Each turn is one commit, and others have theirs meanwhile. */
const deletesPerTurn = 500;

/**
 * One partition: offsets, its records on disk, and in memory those that are not in LMDB yet, which consumers that keep up are given. To keep more of them there for longer
 * would make the garbage collector's work what now dies young.
 */
export class LogPartition {
  readonly index: number;
  readonly #records: LmdbTable<number>;
  /** Published, not in LMDB yet. */
  #tail: LogRecord[] = [];
  #taken: TakenRecord[] = [];
  #end: number;
  #unstoredBytes = 0;
  #storing: Promise<unknown> = Promise.resolve();
  readonly #wakers = new Set<() => void>();

  constructor(records: LmdbTable<number>, index: number) {
    this.index = index;
    this.#records = records;
    const [last] = records.keys({ reverse: true, limit: 1 });
    this.#end = last === undefined ? 0 : last + 1;
  }

  /** The next offset that consumers will see. */
  get end(): number {
    return this.#end;
  }

  /** Bytes that are not in LMDB yet. */
  get unstoredBytes(): number {
    return this.#unstoredBytes;
  }

  /** Takes the next offset; nobody sees it before `publish`. One group of records at a time. */
  take({ key, value }: AppendRecord, appendedAtMs: number): TakenRecord {
    const record = { partition: this.index, offset: this.#end + this.#taken.length, appendedAtMs, key, value };
    const taken = { record, stored: encode(record) };
    this.#taken.push(taken);
    return taken;
  }

  /** What was taken survives a crash: it is shown to consumers, and written to LMDB, which needs not be waited for. */
  publish(): void {
    const taken = this.#taken;
    this.#taken = [];
    this.#end += taken.length;
    const records = taken.map(({ record }) => record);
    const bytes = sizeOf(records);
    this.#tail.push(...records);
    this.#unstoredBytes += bytes;
    this.#storing = this.#store(taken, this.#storing);
    for (const wake of this.#wakers) wake();
  }

  /** It may not survive: its offsets are free again. */
  discard(): void {
    this.#taken = [];
  }

  /** Resolves when everything that was published is in LMDB. When that failed it rejects, and tries again meanwhile. */
  async stored(): Promise<void> {
    try {
      await this.#storing;
    } catch (error) {
      this.#storing = this.#store(
        this.#tail.map((record) => ({ record, stored: encode(record) })),
        undefined,
      );
      throw error;
    }
  }

  /** Up to `limit` records from `offset` on, as far as they are published; at least one if there is any. */
  read(offset: number, limit: number): readonly LogRecord[] {
    const first = this.#tail[0]?.offset ?? this.#end;
    if (offset >= first) return this.#tail.slice(offset - first, offset - first + limit);
    const records: LogRecord[] = [];
    let bytes = 0;
    for (const { key, value } of this.#records.range({ start: offset, end: this.#end, limit })) {
      records.push(this.#decode(key, value));
      bytes += value.byteLength;
      if (bytes >= maxReadBytes) break;
    }
    return records;
  }

  /** Calls back whenever something was published; the answer ends that. */
  onPublished(wake: () => void): () => void {
    this.#wakers.add(wake);
    return () => this.#wakers.delete(wake);
  }

  /**
   * Deletes from the front what is older than `beforeMs` and read by all, or, while the partition is larger than `maxBytes`, whatever is oldest.
   * The newest record stays, so that offsets go on after it. Bounded; answers how many unread records went.
   */
  async retain({ beforeMs, maxBytes, readTo }: { readonly beforeMs: number; readonly maxBytes: number; readonly readTo: number }): Promise<number> {
    let unread = 0;
    for (let deleted = 0; deleted < maxDeletesPerRun; deleted += deletesPerTurn) {
      const tooLarge = this.#records.bytes() > maxBytes;
      const removals: Promise<unknown>[] = [];
      for (const { key: offset, value } of this.#records.range({ end: this.#end - 1, limit: deletesPerTurn })) {
        const isRead = offset < readTo;
        if (!tooLarge && (!isRead || value.readDoubleBE(0) >= beforeMs)) break;
        if (!isRead) unread += 1;
        removals.push(this.#records.remove(offset));
      }
      await Promise.all(removals);
      if (removals.length < deletesPerTurn) break;
    }
    return unread;
  }

  #store(taken: readonly TakenRecord[], before: Promise<unknown> | undefined): Promise<unknown> {
    const bytes = sizeOf(taken.map(({ record }) => record));
    const end = this.#end;
    const writes = taken.map(({ record, stored }) => this.#records.put(record.offset, stored));
    const storing = Promise.all([before, ...writes]).then(() => {
      this.#unstoredBytes -= bytes;
      this.#tail = this.#tail.filter(({ offset }) => offset >= end);
    });
    storing.catch(() => undefined);
    return storing;
  }

  #decode(offset: number, stored: Buffer): LogRecord {
    const keyBytes = stored.readUInt16BE(8);
    const valueAt = headerBytes + keyBytes;
    return {
      partition: this.index,
      offset,
      appendedAtMs: stored.readDoubleBE(0),
      key: stored.toString('utf8', headerBytes, valueAt),
      value: stored.subarray(valueAt),
    };
  }
}

function sizeOf(records: readonly LogRecord[]): number {
  return records.reduce((sum, { value }) => sum + value.byteLength, 0);
}

/** Append time as a double, length of the key as 16 bits, key, value. */
function encode({ key, value, appendedAtMs }: LogRecord): Buffer {
  const keyBytes = Buffer.byteLength(key);
  const stored = Buffer.allocUnsafe(headerBytes + keyBytes + value.byteLength);
  stored.writeDoubleBE(appendedAtMs, 0);
  stored.writeUInt16BE(keyBytes, 8);
  stored.write(key, headerBytes);
  stored.set(value, headerBytes + keyBytes);
  return stored;
}
