import type { Kafka, Producer, RecordMetadata, TopicMessages } from 'kafkajs';

import { partitionOfKey } from '../../core/partition-of-key.js';
import type { AppendRecord, Appended } from '../../ports/event-log.js';

/** One try that waits for an answer, and a second one for a broker that just came back. */
const retry = { retries: 3, initialRetryTime: 100, maxRetryTime: 500 };
const answerTimeoutMs = 3_000;

export interface Append {
  /** The topic's name in Kafka. */
  readonly topic: string;
  readonly records: readonly AppendRecord[];
}

/**
 * Appends batches, one at a time. Idempotent: what is retried inside one call is stored once. After a call that failed it is not known what was stored, and kafkajs would give the
 * same sequence numbers to the next records, which the broker would then take for those it has: so the producer is replaced by one with another id.
 */
export class LogProducer {
  readonly #kafka: Kafka;
  readonly #partitions: number;
  #producer: Promise<Producer> | undefined;

  constructor(kafka: Kafka, partitions: number) {
    this.#kafka = kafka;
    this.#partitions = partitions;
  }

  async append(appends: readonly Append[]): Promise<readonly (readonly Appended[])[]> {
    const placed = appends.map(({ topic, records }) =>
      records.map(({ key, value }) => ({
        topic,
        message: { key, value: Buffer.from(value.buffer, value.byteOffset, value.byteLength), partition: partitionOfKey(key, this.#partitions) },
      })),
    );
    const byTopic = new Map<string, TopicMessages>();
    for (const { topic, message } of placed.flat()) {
      const messages = byTopic.get(topic)?.messages;
      if (messages === undefined) byTopic.set(topic, { topic, messages: [message] });
      else messages.push(message);
    }
    const answered = await this.#send([...byTopic.values()]);
    const next = new Map(
      answered.map(({ topicName, partition, baseOffset, logAppendTime }) => [
        `${topicName}/${partition}`,
        { offset: Number(baseOffset), atMs: Number(logAppendTime) },
      ]),
    );
    return placed.map((records) =>
      records.map(({ topic, message: { partition } }) => {
        const place = next.get(`${topic}/${partition}`);
        if (place === undefined) throw new Error(`Kafka answered nothing for partition ${partition} of ${topic}`);
        const appended = { partition, offset: place.offset, appendedAtMs: place.atMs };
        place.offset += 1;
        return appended;
      }),
    );
  }

  async close(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await (await producer?.catch(() => undefined))?.disconnect();
  }

  async #send(topicMessages: TopicMessages[]): Promise<RecordMetadata[]> {
    const producer = (this.#producer ??= this.#connect());
    try {
      return await (await producer).sendBatch({ acks: -1, timeout: answerTimeoutMs, topicMessages });
    } catch (error) {
      this.#producer = undefined;
      void producer.then((failed) => failed.disconnect()).catch(() => undefined);
      throw error;
    }
  }

  async #connect(): Promise<Producer> {
    const producer = this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? 0,
      retry,
    });
    await producer.connect();
    return producer;
  }
}
