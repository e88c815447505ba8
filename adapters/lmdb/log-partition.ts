import type { Database } from 'lmdb';

import type { AppendRecord, Appended, LogRecord } from '../../ports/event-log.js';

/** Records kept in memory for consumers that keep up, by number and by size; those that lag read from the store, so much at once. */
const tailRecords = 4_096;
const maxTailBytes = 4 * 1024 * 1024;
const maxReadBytes = 4 * 1024 * 1024;
const headerBytes = 10;
const maxDeletesPerRun = 20_000;

/** One partition: offsets, its records on disk, and the newest of them in memory. */
export class LogPartition {
  readonly index: number;
  readonly #records: Database<Buffer, number>;
  #tail: LogRecord[] = [];
  #tailBytes = 0;
  #written: LogRecord[] = [];
  #end: number;
  readonly #wakers = new Set<() => void>();

  constructor(records: Database<Buffer, number>, index: number) {
    this.index = index;
    this.#records = records;
    const [last] = records.getKeys({ reverse: true, limit: 1 });
    this.#end = last === undefined ? 0 : last + 1;
  }

  /** The next offset that consumers will see. */
  get end(): number {
    return this.#end;
  }

  /** Takes the next offset and writes; nobody sees it before `publish`. One group of writes at a time. */
  write({ key, value }: AppendRecord, appendedAtMs: number, writes: Promise<boolean>[]): Appended {
    const appended = { partition: this.index, offset: this.#end + this.#written.length, appendedAtMs };
    this.#written.push({ ...appended, key, value });
    writes.push(this.#records.put(appended.offset, encode(key, value, appendedAtMs)));
    return appended;
  }

  publish(): void {
    this.#end += this.#written.length;
    this.#tail.push(...this.#written);
    this.#tailBytes += sizeOf(this.#written);
    if (this.#tail.length > 2 * tailRecords || this.#tailBytes > maxTailBytes) this.#shortenTail();
    this.#written = [];
    for (const wake of this.#wakers) wake();
  }

  /** The write failed: its offsets are free again. */
  discard(): void {
    this.#written = [];
  }

  /** Up to `limit` records from `offset` on, as far as they are published; at least one if there is any. */
  read(offset: number, limit: number): readonly LogRecord[] {
    const first = this.#tail[0]?.offset ?? this.#end;
    if (offset >= first) return this.#tail.slice(offset - first, offset - first + limit);
    const records: LogRecord[] = [];
    let bytes = 0;
    for (const { key, value } of this.#records.getRange({ start: offset, end: this.#end, limit })) {
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
    const tooLarge = this.#bytes() > maxBytes;
    let unread = 0;
    let removal: Promise<boolean> | undefined;
    for (const { key: offset, value } of this.#records.getRange({ end: this.#end - 1, limit: maxDeletesPerRun })) {
      const isRead = offset < readTo;
      if (!tooLarge && (!isRead || value.readDoubleBE(0) >= beforeMs)) break;
      if (!isRead) unread += 1;
      removal = this.#records.remove(offset);
    }
    await removal;
    return unread;
  }

  /** To half of what it may be, so that it is not done for every record. */
  #shortenTail(): void {
    let first = this.#tail.length;
    let bytes = 0;
    while (first > 0 && this.#tail.length - first < tailRecords && bytes < maxTailBytes / 2) {
      first -= 1;
      bytes += this.#tail[first]?.value.byteLength ?? 0;
    }
    this.#tail = this.#tail.slice(first);
    this.#tailBytes = bytes;
  }

  #bytes(): number {
    const stats = this.#records.getStats() as Record<string, number>;
    const pages = (stats['treeBranchPageCount'] ?? 0) + (stats['treeLeafPageCount'] ?? 0) + (stats['overflowPages'] ?? 0);
    return pages * (stats['pageSize'] ?? 4_096);
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
function encode(key: string, value: Uint8Array, appendedAtMs: number): Buffer {
  const keyBytes = Buffer.byteLength(key);
  const stored = Buffer.allocUnsafe(headerBytes + keyBytes + value.byteLength);
  stored.writeDoubleBE(appendedAtMs, 0);
  stored.writeUInt16BE(keyBytes, 8);
  stored.write(key, headerBytes);
  stored.set(value, headerBytes + keyBytes);
  return stored;
}
