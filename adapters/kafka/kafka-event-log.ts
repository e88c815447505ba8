import { ListOffsetTimestamps, listOffsetsV9, offsetFetchV9 } from '@platformatic/kafka';

import { MicroBatcher } from '../../core/micro-batcher.js';
import { partitionOfKey } from '../../core/partition-of-key.js';
import type { Clock } from '../../ports/clock.js';
import type { AppendRecord, Appended, ConsumeOptions, Consumer, EventLog, GroupProgress, Topic } from '../../ports/event-log.js';
import { DomainError } from '../../protocol/errors.js';
import { ClusterClient, keyOf, retryAfterMs, translated, type Broker } from './cluster-client.js';
import { GroupConsumer } from './group-consumer.js';
import { LogProducer, type Append } from './log-producer.js';
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
  const names = { messages: `${options.prefix}.messages.${options.epoch}`, receipts: `${options.prefix}.receipts` };
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
  #waitingBytes = 0;

  constructor(client: ClusterClient, names: Readonly<Record<Topic, string>>, options: KafkaEventLogOptions) {
    this.#client = client;
    this.#names = names;
    this.#options = options;
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
      const [ends, committed] = await Promise.all([this.#ends(topic), this.#committed(topic, group)]);
      return [...ends]
        .map(([partition, end]) => ({ partition, end, committed: committed.get(partition) ?? 0 }))
        .sort((one, other) => one.partition - other.partition);
    });
  }

  async #ends(topic: Topic): Promise<ReadonlyMap<number, number>> {
    const name = this.#names[topic];
    const { leaders } = await this.#client.layout(name);
    const byLeader = new Map<string, { readonly leader: Broker; readonly partitions: number[] }>();
    for (const [partition, leader] of leaders.entries()) {
      const led = byLeader.get(keyOf(leader)) ?? { leader, partitions: [] };
      byLeader.set(keyOf(leader), led);
      led.partitions.push(partition);
    }
    const answers = await Promise.all(
      [...byLeader.values()].map(({ leader, partitions }) => {
        const asked = partitions.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp: ListOffsetTimestamps.LATEST }));
        return this.#client.ask(leader, listOffsetsV9.api, -1, 0, [{ name, partitions: asked }]);
      }),
    );
    const found = answers.flatMap(({ topics }) => topics).flatMap(({ partitions }) => partitions);
    return new Map(found.map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)]));
  }

  /** Of the partitions of which the group has committed anything. */
  async #committed(topic: Topic, group: string): Promise<ReadonlyMap<number, number>> {
    const groupId = this.#groupId(group);
    const partitionIndexes = Array.from({ length: this.#options.partitions }, (_, partition) => partition);
    const asked = { groupId, memberId: null, memberEpoch: -1, topics: [{ name: this.#names[topic], partitionIndexes }] };
    const { groups } = await this.#client.ask(await this.#client.coordinator(groupId), offsetFetchV9.api, [asked], false);
    const found = groups.flatMap(({ topics }) => topics).flatMap(({ partitions }) => partitions);
    return new Map(
      found
        .filter(({ committedOffset }) => committedOffset >= 0)
        .map(({ partitionIndex, committedOffset }) => [partitionIndex, Number(committedOffset)]),
    );
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
