import kafkajs, { Kafka, logLevel, type Admin } from 'kafkajs';

import { MicroBatcher } from '../../core/micro-batcher.js';
import { partitionOfKey } from '../../core/partition-of-key.js';
import type { Clock } from '../../ports/clock.js';
import type { AppendRecord, Appended, ConsumeOptions, Consumer, EventLog, GroupProgress, Topic } from '../../ports/event-log.js';
import { DomainError } from '../../protocol/errors.js';
import './calm-request-queue.js';
import { GroupConsumer } from './group-consumer.js';
import { LogProducer, type Append } from './log-producer.js';
import { prepareTopics, type TopicOptions } from './topics.js';

const retryAfterMs = 500;
const connectTimeoutMs = 2_000;
const requestTimeoutMs = 5_000;
const batching = { maxWaiting: 100_000, maxBatch: 1_000, retryAfterMs };
const retry = { retries: 2, initialRetryTime: 100, maxRetryTime: 500 };

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
  const kafka = new Kafka({
    clientId: options.prefix,
    brokers: [...options.brokers],
    connectionTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    retry,
    logLevel: logLevel.NOTHING,
  });
  const names = { messages: `${options.prefix}.messages.${options.epoch}`, receipts: `${options.prefix}.receipts` };
  const admin = kafka.admin();
  try {
    await translated(async () => {
      await admin.connect();
      await prepareTopics(admin, names, options);
    });
  } catch (error) {
    await admin.disconnect().catch(() => undefined);
    throw error;
  }
  return new KafkaLog(kafka, admin, names, options);
}

class KafkaLog implements KafkaEventLog {
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  readonly #names: Readonly<Record<Topic, string>>;
  readonly #options: KafkaEventLogOptions;
  readonly #producer: LogProducer;
  readonly #appends: MicroBatcher<Append, readonly Appended[]>;
  readonly #progress = new Map<string, MicroBatcher<undefined, readonly GroupProgress[]>>();
  readonly #consumers = new Set<GroupConsumer>();
  #waitingBytes = 0;

  constructor(kafka: Kafka, admin: Admin, names: Readonly<Record<Topic, string>>, options: KafkaEventLogOptions) {
    this.#kafka = kafka;
    this.#admin = admin;
    this.#names = names;
    this.#options = options;
    this.#producer = new LogProducer(kafka, options.partitions);
    this.#appends = new MicroBatcher((batch) => translated(() => this.#producer.append(batch)), batching);
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
      { kafka: this.#kafka, clock, topic: this.#names[options.topic], groupId: this.#groupId(options.group), onFailed },
      options,
    );
    await translated(() => consumer.start());
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
      const name = this.#names[topic];
      const [ends, [committed]] = await Promise.all([
        this.#admin.fetchTopicOffsets(name),
        this.#admin.fetchOffsets({ groupId: this.#groupId(group), topics: [name] }),
      ]);
      const offsets = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
      return ends
        .map(({ partition, high }) => ({ partition, end: Number(high), committed: Math.max(0, offsets.get(partition) ?? 0) }))
        .sort((one, other) => one.partition - other.partition);
    });
  }

  async ping(): Promise<boolean> {
    await this.#admin.fetchTopicOffsets(this.#names.messages);
    return true;
  }

  async close(): Promise<void> {
    for (const consumer of [...this.#consumers]) await consumer.close();
    this.#consumers.clear();
    await this.#producer.close();
    await this.#admin.disconnect();
  }

  #groupId(group: string): string {
    return `${this.#options.prefix}.${group}`;
  }
}

async function translated<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof kafkajs.KafkaJSError)) throw error;
    throw new DomainError('unavailable', 'the message log is away', { retryAfterMs, cause: error });
  }
}
