import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';

import type { Clock } from '../../ports/clock.js';
import type { ConsumeOptions, LogRecord } from '../../ports/event-log.js';
import { PartitionFeed } from './partition-feed.js';

/** A consumer that died is replaced after the session time-out; a change of the group is noticed with a heartbeat. */
const sessionTimeoutMs = 4_000;
const heartbeatMs = 500;
/** How long the group waits for members that do not come to a change. */
const rebalanceTimeoutMs = 10_000;
const fetchWaitMs = 500;
const commitEveryMs = 250;
const startAgainAfterMs = 1_000;

export interface GroupConsumerDependencies {
  readonly kafka: Kafka;
  readonly clock: Clock;
  /** Names of the topic and the group in Kafka. */
  readonly topic: string;
  readonly groupId: string;
  readonly onFailed: (error: unknown) => void;
}

/**
 * One consumer of a group. Kafka moves partitions while it works: a feed of a partition that stays goes on, that of one which left is revoked. Kafka does not wait for that, so for a
 * moment a partition that moves to a process which joins may be worked by both: what was under way is then redelivered.
 */
export class GroupConsumer {
  readonly #dependencies: GroupConsumerDependencies;
  readonly #options: ConsumeOptions;
  readonly #feeds = new Map<number, PartitionFeed>();
  readonly #unwritten = new Map<number, number>();
  readonly #revocations = new Set<Promise<void>>();
  #consumer: Consumer | undefined;
  #writing: Promise<void> | undefined;
  #closing = false;

  constructor(dependencies: GroupConsumerDependencies, options: ConsumeOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
  }

  /** Resolves when it has joined the group. */
  async start(): Promise<void> {
    const { kafka, groupId, topic, onFailed } = this.#dependencies;
    const consumer = kafka.consumer({
      groupId,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: heartbeatMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      maxWaitTimeInMs: fetchWaitMs,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 10, restartOnFailure: () => Promise.resolve(true) },
    });
    this.#consumer = consumer;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#assign(consumer, payload.memberAssignment[topic] ?? []);
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      onFailed(payload.error);
      // kafkajs starts again by itself after what it takes for passing.
      if (!payload.restart) void this.#startAgain(consumer);
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: (payload) => {
        this.#take(consumer, payload);
        return Promise.resolve();
      },
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    const consumer = this.#consumer;
    for (const partition of [...this.#feeds.keys()]) this.#revoke(partition);
    await Promise.all(this.#revocations);
    await this.#writing;
    await this.#write();
    await consumer?.disconnect();
  }

  async #startAgain(failed: Consumer): Promise<void> {
    await failed.disconnect().catch(() => undefined);
    for (;;) {
      await this.#dependencies.clock.sleep(startAgainAfterMs);
      if (this.#closing) return;
      try {
        await this.start();
        return;
      } catch (error) {
        this.#dependencies.onFailed(error);
        await this.#consumer?.disconnect().catch(() => undefined);
      }
    }
  }

  #assign(consumer: Consumer, partitions: readonly number[]): void {
    if (this.#closing || consumer !== this.#consumer) return;
    for (const partition of [...this.#feeds.keys()]) if (!partitions.includes(partition)) this.#revoke(partition);
    for (const partition of partitions) if (!this.#feeds.has(partition)) this.#open(partition);
  }

  #open(partition: number): PartitionFeed {
    const { topic, clock } = this.#dependencies;
    const feed = new PartitionFeed({
      partition,
      options: this.#options,
      clock,
      commit: (nextOffset) => {
        this.#unwritten.set(partition, nextOffset);
        this.#writing ??= this.#writeSoon();
      },
      seek: (offset) => {
        this.#whileRunning((consumer) => consumer.seek({ topic, partition, offset: String(offset) }));
      },
      pause: () => {
        this.#whileRunning((consumer) => consumer.pause([{ topic, partitions: [partition] }]));
      },
      resume: () => {
        this.#whileRunning((consumer) => consumer.resume([{ topic, partitions: [partition] }]));
      },
    });
    this.#feeds.set(partition, feed);
    return feed;
  }

  /** A consumer that starts again fetches from what was committed, and pauses nothing: kafkajs refuses what it is told meanwhile, and nothing is missed by that. */
  #whileRunning(tell: (consumer: Consumer) => void): void {
    try {
      if (this.#consumer !== undefined) tell(this.#consumer);
    } catch (error) {
      this.#dependencies.onFailed(error);
    }
  }

  #revoke(partition: number): void {
    const feed = this.#feeds.get(partition);
    if (feed === undefined) return;
    this.#feeds.delete(partition);
    const revocation = feed.revoke().catch(this.#dependencies.onFailed);
    this.#revocations.add(revocation);
    void revocation.finally(() => this.#revocations.delete(revocation));
  }

  #take(consumer: Consumer, { batch, ...payload }: EachBatchPayload): void {
    if (payload.isStale() || this.#closing || consumer !== this.#consumer) return;
    const { partition } = batch;
    const records = batch.messages.map(({ offset, key, value, timestamp }): LogRecord => ({
      partition,
      offset: Number(offset),
      key: key?.toString() ?? '',
      value: value ?? Buffer.alloc(0),
      appendedAtMs: Number(timestamp),
    }));
    if (this.#feeds.get(partition)?.push(records) !== false) return;
    this.#revoke(partition);
    this.#open(partition).push(records);
  }

  async #writeSoon(): Promise<void> {
    await this.#dependencies.clock.sleep(commitEveryMs);
    await this.#write();
    this.#writing = undefined;
    // What could not be written is tried again with what comes.
    if (this.#unwritten.size > 0 && !this.#closing) this.#writing = this.#writeSoon();
  }

  async #write(): Promise<void> {
    if (this.#unwritten.size === 0) return;
    const { topic } = this.#dependencies;
    const written = [...this.#unwritten];
    try {
      await this.#consumer?.commitOffsets(written.map(([partition, nextOffset]) => ({ topic, partition, offset: String(nextOffset) })));
      for (const [partition, nextOffset] of written) if (this.#unwritten.get(partition) === nextOffset) this.#unwritten.delete(partition);
    } catch (error) {
      // A partition that moved away is somebody else's to commit.
      for (const [partition] of written) if (!this.#feeds.has(partition)) this.#unwritten.delete(partition);
      this.#dependencies.onFailed(error);
    }
  }
}
