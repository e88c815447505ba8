import { ListOffsetTimestamps } from '@platformatic/kafka';

import { MicroBatcher } from '../../core/micro-batcher.js';
import { partitionOfKey } from '../../core/partition-of-key.js';
import type { Clock } from '../../ports/clock.js';
import type { AppendRecord, Appended, ConsumeOptions, Consumer, EventLog, GroupProgress, LogRecord, Topic } from '../../ports/event-log.js';
import { DomainError } from '../../protocol/errors.js';
import { ClusterClient, leaderOf, retryAfterMs, translated } from './cluster-client.js';
import { fetchRecords, partitionsOutOfRange } from './fetch-records.js';
import { GroupConsumer } from './group-consumer.js';
import { LogProducer, type Append } from './log-producer.js';
import { committedOffsets, logOffsets, onlyLooks } from './offsets.js';
import { prepareTopics, type TopicOptions } from './topics.js';

/** Of what may wait at the broker: a fetch, the sync of an append. */
const requestTimeoutMs = 4_000;
/** Shorter than a member of a group may be silent. */
const coordinationTimeoutMs = 1_500;
const batching = { maxWaiting: 100_000, maxBatch: 1_000, retryAfterMs };

export interface KafkaEventLogOptions extends TopicOptions {
  readonly brokers: readonly string[];
  /** Before the names of topics and groups, so that several deployments may share a cluster. */
  readonly prefix: string;
  /** Of the messages topic (core/position.ts); in its name. */
  readonly epoch: number;
  /** Values that wait for Kafka, in bytes; above it `append` is refused. */
  readonly maxWaitingBytes: number;
  readonly clock: Clock;
  /** A consumer could not go on, or an offset could not be written; it is tried again. */
  readonly onFailed: (error: unknown) => void;
}

export interface KafkaEventLog extends EventLog {
  ping(): Promise<boolean>;
}

/** The log of the distributed profile. Topics are made if they are missing, and checked. Throws TopicError, or DomainError `unavailable` while Kafka is away. */
export async function createKafkaEventLog(options: KafkaEventLogOptions): Promise<KafkaEventLog> {
  const { prefix, epoch } = options;
  const names = { messages: `${prefix}.messages.${epoch}`, receipts: `${prefix}.receipts`, push: `${prefix}.push` };
  const client = clientOf(options, requestTimeoutMs);
  try {
    await translated(() => prepareTopics(client, options.clock, names, options));
  } catch (error) {
    client.close();
    throw error;
  }
  return new KafkaLog(client, names, options);
}

class KafkaLog implements KafkaEventLog {
  readonly #client: ClusterClient;
  readonly #names: Readonly<Record<Topic, string>>;
  readonly #options: KafkaEventLogOptions;
  readonly #appending: ClusterClient;
  readonly #appends: MicroBatcher<Append, readonly Appended[]>;
  readonly #progress = new Map<string, MicroBatcher<undefined, readonly GroupProgress[]>>();
  readonly #consumers = new Set<GroupConsumer>();
  readonly #partitions: readonly number[];
  #waitingBytes = 0;

  constructor(client: ClusterClient, names: Readonly<Record<Topic, string>>, options: KafkaEventLogOptions) {
    this.#client = client;
    this.#names = names;
    this.#options = options;
    this.#partitions = Array.from({ length: options.partitions }, (_, partition) => partition);
    this.#appending = clientOf(options, requestTimeoutMs);
    const producer = new LogProducer(this.#appending, options.clock, options.partitions);
    this.#appends = new MicroBatcher((batch) => translated(() => producer.append(batch)), batching);
  }

  async append(topic: Topic, records: readonly AppendRecord[]): Promise<readonly Appended[]> {
    const bytes = records.reduce((sum, { value }) => sum + value.byteLength, 0);
    if (this.#waitingBytes + bytes > this.#options.maxWaitingBytes) {
      throw new DomainError('unavailable', `${this.#waitingBytes} bytes wait for the log`, { retryAfterMs });
    }
    this.#waitingBytes += bytes;
    try {
      return await this.#appends.add({ topic: this.#names[topic], records });
    } finally {
      this.#waitingBytes -= bytes;
    }
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    const { clock, onFailed } = this.#options;
    const consumer = new GroupConsumer(
      {
        fetching: clientOf(this.#options, requestTimeoutMs),
        coordinating: clientOf(this.#options, coordinationTimeoutMs),
        clock,
        topic: this.#names[options.topic],
        groupId: this.#groupId(options.group),
        onFailed,
      },
      options,
    );
    try {
      await translated(() => consumer.start());
    } catch (error) {
      await consumer.close();
      throw error;
    }
    this.#consumers.add(consumer);
    return {
      close: async () => {
        this.#consumers.delete(consumer);
        await consumer.close();
      },
    };
  }

  read(topic: Topic, partition: number, offset: number): Promise<LogRecord | undefined> {
    return translated(async () => {
      const layout = await this.#client.layout(this.#names[topic]);
      try {
        const wanted = new Map([[partition, offset]]);
        const [fetched] = await fetchRecords(this.#client, leaderOf(layout, partition), { topicId: layout.id, wanted, waitMs: 0 });
        return fetched?.records.find((record) => record.offset === offset);
      } catch (error) {
        if (partitionsOutOfRange(error).length > 0) return undefined;
        throw error;
      }
    });
  }

  partitionOf(_topic: Topic, key: string): number {
    return partitionOfKey(key, this.#options.partitions);
  }

  /** Whoever asks while an answer is on its way shares the next one: it is never older than the question. */
  progress(topic: Topic, group: string): Promise<readonly GroupProgress[]> {
    const key = `${topic}/${group}`;
    let asked = this.#progress.get(key);
    if (asked === undefined) {
      asked = new MicroBatcher(async (askers) => {
        const answer = await this.#readProgress(topic, group);
        return askers.map(() => answer);
      }, batching);
      this.#progress.set(key, asked);
    }
    return asked.add(undefined);
  }

  #readProgress(topic: Topic, group: string): Promise<readonly GroupProgress[]> {
    return translated(async () => {
      const [ends, committed] = await Promise.all([
        this.#ends(topic),
        committedOffsets(this.#client, { groupId: this.#groupId(group), ...onlyLooks }, this.#names[topic], this.#partitions),
      ]);
      return [...ends]
        .map(([partition, end]) => ({ partition, end, committed: committed.get(partition) ?? 0 }))
        .sort((one, other) => one.partition - other.partition);
    });
  }

  #ends(topic: Topic): Promise<ReadonlyMap<number, number>> {
    return logOffsets(this.#client, this.#names[topic], this.#partitions, ListOffsetTimestamps.LATEST);
  }

  async ping(): Promise<boolean> {
    await this.#ends('messages');
    return true;
  }

  async close(): Promise<void> {
    for (const consumer of [...this.#consumers]) await consumer.close();
    this.#consumers.clear();
    this.#appending.close();
    this.#client.close();
  }

  #groupId(group: string): string {
    return `${this.#options.prefix}.${group}`;
  }
}

function clientOf({ brokers, prefix: clientId }: KafkaEventLogOptions, requestTimeout: number): ClusterClient {
  return new ClusterClient({ brokers, clientId, requestTimeoutMs: requestTimeout });
}
