import type { Database } from 'lmdb';

import { MicroBatcher } from '../../core/micro-batcher.js';
import type { Clock } from '../../ports/clock.js';
import type { AppendRecord, Appended, ConsumeOptions, Consumer, EventLog, GroupProgress, Topic } from '../../ports/event-log.js';
import { DomainError } from '../../protocol/errors.js';
import { ConsumerGroup } from './consumer-group.js';
import { LogPartition } from './log-partition.js';
import type { LmdbStore } from './lmdb-store.js';

const topics: readonly Topic[] = ['messages', 'receipts'];
const retryAfterMs = 500;
const retentionEveryMs = 60_000;

export interface LmdbEventLogOptions {
  /** Of each topic; fixed for the life of the data. */
  readonly partitions: number;
  readonly maxAgeMs: Readonly<Record<Topic, number>>;
  readonly maxBytesPerPartition: number;
  /** Appended records that wait for the disk; above it `append` is refused. */
  readonly maxWaitingBytes: number;
  readonly clock: Clock;
  /** Retention had to delete what a group had not read. */
  readonly onUnreadDeleted: (lost: { readonly topic: Topic; readonly partition: number; readonly records: number }) => void;
}

export interface LmdbEventLogStores {
  readonly records: LmdbStore;
  /** Of consumer groups; together with what the consumers write, so that a durable offset implies its rows. */
  readonly offsets: LmdbStore;
}

interface Append {
  readonly topic: Topic;
  readonly records: readonly AppendRecord[];
}

/** The log of the embedded profile. Throws if the data was made with another number of partitions. */
export async function createLmdbEventLog(stores: LmdbEventLogStores, options: LmdbEventLogOptions): Promise<EventLog> {
  const meta = stores.records.database('log-meta');
  for (const topic of topics) await fixPartitions(meta, topic, options.partitions);
  return new LmdbEventLog(stores, options);
}

async function fixPartitions(meta: Database<Buffer, Buffer>, topic: Topic, partitions: number): Promise<void> {
  const key = Buffer.from(`partitions/${topic}`);
  const known = meta.get(key)?.readUInt32BE(0);
  if (known === partitions) return;
  if (known !== undefined)
    throw new Error(`topic ${topic} has ${known} partitions, ${partitions} were asked for: a log keeps the number it was made with`);
  const value = Buffer.alloc(4);
  value.writeUInt32BE(partitions);
  await meta.put(key, value);
}

class LmdbEventLog implements EventLog {
  readonly #store: LmdbStore;
  readonly #options: LmdbEventLogOptions;
  readonly #partitions: Record<Topic, readonly LogPartition[]>;
  readonly #groups = new Map<string, ConsumerGroup>();
  readonly #offsets: Database<Buffer, Buffer>;
  readonly #appends: MicroBatcher<Append, readonly Appended[]>;
  readonly #stop = new AbortController();
  #waitingBytes = 0;

  constructor({ records, offsets }: LmdbEventLogStores, options: LmdbEventLogOptions) {
    this.#store = records;
    this.#options = options;
    this.#offsets = offsets.database('group-offsets');
    const open = (topic: Topic) =>
      Array.from({ length: options.partitions }, (_, index) => new LogPartition(records.sequence(`${topic}/${index}`), index));
    this.#partitions = { messages: open('messages'), receipts: open('receipts') };
    this.#appends = new MicroBatcher((batch) => this.#commit(batch), { maxWaiting: 100_000, maxBatch: 1_000, retryAfterMs });
    void this.#retainUntilClosed();
  }

  async append(topic: Topic, records: readonly AppendRecord[]): Promise<readonly Appended[]> {
    const bytes = records.reduce((sum, { value }) => sum + value.byteLength, 0);
    if (this.#waitingBytes + bytes > this.#options.maxWaitingBytes) {
      throw new DomainError('unavailable', `the log has ${this.#waitingBytes} bytes waiting for the disk`, { retryAfterMs });
    }
    this.#waitingBytes += bytes;
    try {
      return await this.#appends.add({ topic, records });
    } finally {
      this.#waitingBytes -= bytes;
    }
  }

  consume(options: ConsumeOptions): Promise<Consumer> {
    const key = `${options.topic}/${options.group}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      const { clock } = this.#options;
      group = new ConsumerGroup({ name: key, partitions: this.#partitions[options.topic], offsets: this.#offsets, clock });
      this.#groups.set(key, group);
    }
    return group.join(options);
  }

  /** FNV-1a over the key's UTF-16 units. */
  partitionOf(_topic: Topic, key: string): number {
    let hash = 0x811c9dc5;
    for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
    return (hash >>> 0) % this.#options.partitions;
  }

  progress(topic: Topic, group: string): Promise<readonly GroupProgress[]> {
    const known = this.#groups.get(`${topic}/${group}`);
    return Promise.resolve(
      this.#partitions[topic].map((partition) => ({
        partition: partition.index,
        end: partition.end,
        committed: known?.committed(partition.index) ?? ConsumerGroup.stored(this.#offsets, `${topic}/${group}`, partition.index),
      })),
    );
  }

  async close(): Promise<void> {
    this.#stop.abort();
    for (const group of this.#groups.values()) await group.close();
  }

  /** One group commit: every record written, one fsync, then shown to consumers. If it fails nothing was appended. */
  async #commit(batch: readonly Append[]): Promise<readonly (readonly Appended[])[]> {
    const touched = new Set<LogPartition>();
    const appendedAtMs = this.#options.clock.nowMs();
    try {
      const writes: Promise<boolean>[] = [];
      const results = batch.map(({ topic, records }) =>
        records.map((record) => {
          const partition = this.#partitions[topic][this.partitionOf(topic, record.key)] as LogPartition;
          touched.add(partition);
          return partition.write(record, appendedAtMs, writes);
        }),
      );
      await Promise.all(writes);
      await this.#store.flushed();
      for (const partition of touched) partition.publish();
      return results;
    } catch (cause) {
      for (const partition of touched) partition.discard();
      throw new DomainError('unavailable', 'the log could not be written', { cause, retryAfterMs });
    }
  }

  async #retainUntilClosed(): Promise<void> {
    const { clock, maxAgeMs, maxBytesPerPartition, onUnreadDeleted } = this.#options;
    // As of the last run: those offsets, and the rows that they vouch for, are on the disk by now.
    const readBefore = new Map<LogPartition, number>();
    for (;;) {
      try {
        await clock.sleep(retentionEveryMs, this.#stop.signal);
      } catch {
        return;
      }
      for (const topic of topics) {
        for (const partition of this.#partitions[topic]) {
          const readTo = readBefore.get(partition) ?? 0;
          readBefore.set(partition, this.#readByAll(topic, partition.index));
          const unread = await partition.retain({ beforeMs: clock.nowMs() - maxAgeMs[topic], maxBytes: maxBytesPerPartition, readTo });
          if (unread > 0) onUnreadDeleted({ topic, partition: partition.index, records: unread });
        }
      }
    }
  }

  #readByAll(topic: Topic, partition: number): number {
    const groups = [...this.#groups].filter(([key]) => key.startsWith(`${topic}/`)).map(([, group]) => group.committed(partition));
    return groups.length === 0 ? 0 : Math.min(...groups);
  }
}
