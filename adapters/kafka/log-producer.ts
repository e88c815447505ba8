import { initProducerIdV5, NumericMap, ProduceAcks, produceV9, type MessageRecord } from '@platformatic/kafka';

import { groupBy } from '../../core/group-by.js';
import { partitionOfKey } from '../../core/partition-of-key.js';
import type { Clock } from '../../ports/clock.js';
import type { AppendRecord, Appended } from '../../ports/event-log.js';
import { isOfLibrary, keyOf, leaderOf, type Broker, type ClusterClient } from './cluster-client.js';

/** One try that waits for an answer, and others for a broker that just came back. */
const tries = 3;
const tryAgainAfterMs = 200;
const answerTimeoutMs = 3_000;
/** Kafka takes 1 MiB at once for a partition; the largest record has a quarter of it. */
const maxRequestBytes = 512 * 1024;

export interface Append {
  /** The topic's name in Kafka. */
  readonly topic: string;
  readonly records: readonly AppendRecord[];
}

type ProduceResponse = ReturnType<typeof produceV9.parseResponse>;
type PlacedRecord = MessageRecord & { readonly partition: number };

/** Who appends, and how many records of it each partition has: by these Kafka knows a record that it was sent again. */
interface Producer {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly sequences: NumericMap;
}

/**
 * Appends batches, one at a time. Idempotent: what is tried again inside one call is stored once. After a call that failed it is not known what was stored, and the next records must not
 * get the sequence numbers of those, which Kafka would take for the ones it has: so they are sent as another producer.
 */
export class LogProducer {
  readonly #client: ClusterClient;
  readonly #clock: Clock;
  readonly #partitions: number;
  #producer: Producer | undefined;

  constructor(client: ClusterClient, clock: Clock, partitions: number) {
    this.#client = client;
    this.#clock = clock;
    this.#partitions = partitions;
  }

  async append(appends: readonly Append[]): Promise<readonly (readonly Appended[])[]> {
    const placed = appends.map(({ topic, records }) => records.map((record) => this.#place(topic, record)));
    const appended = new Map<PlacedRecord, Appended>();
    for (const records of requestsOf(placed.flat())) {
      const places = await this.#sendUntilStored(records);
      for (const record of records) {
        const { topic, partition } = record;
        const place = places.get(sequenceKey(topic, partition));
        if (place === undefined) throw new Error(`Kafka answered nothing for partition ${partition} of ${topic}`);
        appended.set(record, { partition, offset: place.offset++, appendedAtMs: place.appendedAtMs });
      }
    }
    return placed.map((records) => records.map((record) => appended.get(record) as Appended));
  }

  #place(topic: string, { key, value }: AppendRecord): PlacedRecord {
    return {
      topic,
      partition: partitionOfKey(key, this.#partitions),
      key: Buffer.from(key),
      value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
    };
  }

  async #sendUntilStored(records: readonly PlacedRecord[]): Promise<Places> {
    for (let left = tries - 1; ; left -= 1) {
      try {
        return await this.#send(records);
      } catch (error) {
        const passing = isOfLibrary(error) && error.findBy('canRetry', false) === null;
        if (left === 0 || !passing) {
          this.#producer = undefined;
          throw error;
        }
        await this.#clock.sleep(tryAgainAfterMs);
      }
    }
  }

  async #send(records: readonly PlacedRecord[]): Promise<Places> {
    const topics = [...new Set(records.map(({ topic }) => topic))];
    const layouts = new Map(await Promise.all(topics.map(async (topic) => [topic, await this.#client.layout(topic)] as const)));
    const led = records.flatMap((record) => {
      const layout = layouts.get(record.topic);
      return layout === undefined ? [] : [{ record, leader: leaderOf(layout, record.partition) }];
    });
    const producer = (this.#producer ??= await this.#register(led[0]?.leader));
    const answers = await Promise.all(
      [...groupBy(led, ({ leader }) => keyOf(leader)).values()].map((ofLeader) => {
        const ofOne = ofLeader.map(({ record }) => record);
        return this.#client.ask(ofLeader[0].leader, produceV9.api, ProduceAcks.ALL, answerTimeoutMs, ofOne, { ...producer, compression: 'none' });
      }),
    );
    for (const { topic, partition } of records) producer.sequences.postIncrement(sequenceKey(topic, partition), 1, 0);
    return placesOf(answers);
  }

  async #register(broker: Broker | undefined): Promise<Producer> {
    if (broker === undefined) throw new Error('nothing to append');
    const { producerId, producerEpoch } = await this.#client.ask(broker, initProducerIdV5.api, null, answerTimeoutMs, -1n, -1);
    return { producerId, producerEpoch, sequences: new NumericMap() };
  }
}

function requestsOf(records: readonly PlacedRecord[]): readonly (readonly PlacedRecord[])[] {
  const requests: PlacedRecord[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    if (bytes + record.value.byteLength > maxRequestBytes) {
      requests.push([]);
      bytes = 0;
    }
    bytes += record.value.byteLength;
    requests.at(-1)?.push(record);
  }
  return requests;
}

/** Where the next record of a partition landed. */
type Places = Map<string, { offset: number; readonly appendedAtMs: number }>;

function placesOf(answers: readonly (ProduceResponse | boolean)[]): Places {
  const places: Places = new Map();
  for (const answer of answers) {
    if (typeof answer === 'boolean') throw new Error('Kafka was not asked for an answer');
    for (const { name, partitionResponses } of answer.responses) {
      for (const { index, baseOffset, logAppendTimeMs } of partitionResponses) {
        places.set(sequenceKey(name, index), { offset: Number(baseOffset), appendedAtMs: Number(logAppendTimeMs) });
      }
    }
  }
  return places;
}

/** As the library writes it. */
function sequenceKey(topic: string, partition: number): string {
  return `${topic}:${partition}`;
}
