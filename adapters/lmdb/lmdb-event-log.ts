import { MicroBatcher } from '../../core/micro-batcher.js';
import { partitionOfKey } from '../../core/partition-of-key.js';
import type { Clock } from '../../ports/clock.js';
import {
  topics,
  type AppendRecord,
  type Appended,
  type ConsumeOptions,
  type Consumer,
  type EventLog,
  type GroupProgress,
  type LogRecord,
  type Topic,
} from '../../ports/event-log.js';
import { DomainError } from '../../protocol/errors.js';
import { ConsumerGroup } from './consumer-group.js';
import { LogPartition, type TakenRecord } from './log-partition.js';
import type { LmdbStore } from './lmdb-store.js';
import { WriteAheadLog } from './write-ahead-log.js';
import type { LmdbTable } from './lmdb-table.js';

const retryAfterMs = 500;
const retentionEveryMs = 60_000;
const storeAgainAfterMs = 1_000;
const placeBytes = 11;

export interface LmdbEventLogOptions {
  /** Of each topic; fixed for the life of the data. */
  readonly partitions: number;
  readonly maxAgeMs: Readonly<Record<Topic, number>>;
  readonly maxBytesPerPartition: number;
  /** Records that are not in LMDB yet; above it `append` is refused. */
  readonly maxWaitingBytes: number;
  readonly clock: Clock;
  /** Retention had to delete what a group had not read. */
  readonly onUnreadDeleted: (lost: { readonly topic: Topic; readonly partition: number; readonly records: number }) => void;
}

export interface LmdbEventLogStores {
  /** Of the write-ahead log. */
  readonly directory: string;
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
  const ahead = await WriteAheadLog.open(stores.directory, (payloads) => restore(stores.records, payloads));
  return new LmdbEventLog(stores, ahead, options);
}

/** Records that a crash found on their way into LMDB. Those that are there already are the same. */
async function restore(records: LmdbStore, payloads: readonly Buffer[]): Promise<void> {
  const databases = new Map<string, ReturnType<LmdbStore['sequence']>>();
  const writes = payloads.map((payload) => {
    const { database, offset, stored } = decodePayload(payload);
    const opened = databases.get(database) ?? records.sequence(database);
    databases.set(database, opened);
    return opened.put(offset, stored);
  });
  await Promise.all(writes);
  await records.flushed();
}

async function fixPartitions(meta: LmdbTable<Buffer>, topic: Topic, partitions: number): Promise<void> {
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
  readonly #ahead: WriteAheadLog;
  readonly #options: LmdbEventLogOptions;
  readonly #partitions: Record<Topic, readonly LogPartition[]>;
  readonly #allPartitions: readonly LogPartition[];
  readonly #groups = new Map<string, ConsumerGroup>();
  readonly #offsets: LmdbTable<Buffer>;
  readonly #appends: MicroBatcher<Append, readonly Appended[]>;
  readonly #stop = new AbortController();
  #waitingBytes = 0;
  #settling: Promise<void> | undefined;

  constructor({ records, offsets }: LmdbEventLogStores, ahead: WriteAheadLog, options: LmdbEventLogOptions) {
    this.#store = records;
    this.#ahead = ahead;
    this.#options = options;
    this.#offsets = offsets.database('group-offsets');
    const open = (topic: Topic) =>
      Array.from({ length: options.partitions }, (_, index) => new LogPartition(records.sequence(databaseOf(topic, index)), index));
    this.#partitions = { messages: open('messages'), receipts: open('receipts'), push: open('push') };
    this.#allPartitions = topics.flatMap((topic) => this.#partitions[topic]);
    this.#appends = new MicroBatcher((batch) => this.#commit(batch), { maxWaiting: 100_000, maxBatch: 1_000, retryAfterMs });
    void this.#retainUntilClosed();
  }

  async append(topic: Topic, records: readonly AppendRecord[]): Promise<readonly Appended[]> {
    const bytes = records.reduce((sum, { value }) => sum + value.byteLength, 0);
    const waitingBytes = this.#allPartitions.reduce((sum, { unstoredBytes }) => sum + unstoredBytes, this.#waitingBytes);
    if (waitingBytes + bytes > this.#options.maxWaitingBytes) {
      throw new DomainError('unavailable', `the log has ${waitingBytes} bytes waiting for the disk`, { retryAfterMs });
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

  read(topic: Topic, partition: number, offset: number): Promise<LogRecord | undefined> {
    const [record] = this.#partitions[topic][partition]?.read(offset, 1) ?? [];
    return Promise.resolve(record?.offset === offset ? record : undefined);
  }

  partitionOf(_topic: Topic, key: string): number {
    return partitionOfKey(key, this.#options.partitions);
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
    await this.#settling;
    await this.#ahead.close();
    await this.#settle();
  }

  /** One group commit: every record written ahead with one sync, then shown to consumers. If it fails nothing was appended. */
  async #commit(batch: readonly Append[]): Promise<readonly (readonly Appended[])[]> {
    const touched = new Set<LogPartition>();
    const appendedAtMs = this.#options.clock.nowMs();
    try {
      const payloads: Buffer[] = [];
      const results = batch.map(({ topic, records }) =>
        records.map((record): Appended => {
          const partition = this.#partitions[topic][this.partitionOf(topic, record.key)] as LogPartition;
          touched.add(partition);
          const taken = partition.take(record, appendedAtMs);
          payloads.push(encodePayload(topic, taken));
          return { partition: partition.index, offset: taken.record.offset, appendedAtMs };
        }),
      );
      const begun = await this.#ahead.append(payloads);
      for (const partition of touched) partition.publish();
      if (begun) this.#settleInBackground();
      return results;
    } catch (cause) {
      for (const partition of touched) partition.discard();
      throw new DomainError('unavailable', 'the log could not be written', { cause, retryAfterMs });
    }
  }

  /** What was published until now comes to LMDB, so that the older files of the write-ahead log can go. */
  async #settle(): Promise<void> {
    const { older } = this.#ahead;
    await Promise.all(this.#allPartitions.map((partition) => partition.stored()));
    await this.#store.flushed();
    await this.#ahead.remove(older);
  }

  #settleInBackground(): void {
    const { clock } = this.#options;
    const untilDone = async (): Promise<void> => {
      while (!this.#stop.signal.aborted) {
        try {
          await this.#settle();
          return;
        } catch {
          // The files stay, and appends are refused once too much waits.
          await clock.sleep(storeAgainAfterMs, this.#stop.signal).catch(() => undefined);
        }
      }
    };
    this.#settling ??= untilDone().finally(() => {
      this.#settling = undefined;
    });
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

function databaseOf(topic: Topic, partition: number): string {
  return `${topic}/${partition}`;
}

/** Topic as one byte, partition as 16 bits, offset as a double, then the record as it is stored. */
function encodePayload(topic: Topic, { record, stored }: TakenRecord): Buffer {
  const payload = Buffer.allocUnsafe(placeBytes + stored.length);
  payload.writeUInt8(topics.indexOf(topic), 0);
  payload.writeUInt16BE(record.partition, 1);
  payload.writeDoubleBE(record.offset, 3);
  payload.set(stored, placeBytes);
  return payload;
}

function decodePayload(payload: Buffer): { readonly database: string; readonly offset: number; readonly stored: Buffer } {
  const topic = topics[payload.readUInt8(0)];
  if (topic === undefined) throw new Error('the write-ahead log names a topic that does not exist');
  return { database: databaseOf(topic, payload.readUInt16BE(1)), offset: payload.readDoubleBE(3), stored: payload.subarray(placeBytes) };
}
