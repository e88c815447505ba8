import { fetchV17, FetchIsolationLevels, ResponseError } from '@platformatic/kafka';

import type { LogRecord } from '../../ports/event-log.js';
import type { Broker, ClusterClient } from './cluster-client.js';

const maxFetchBytes = 8 * 1024 * 1024;
const maxPartitionBytes = 1024 * 1024;
const sessionless = { id: 0, epoch: -1 };
const offsetOutOfRange = 1;

type FetchResponse = ReturnType<typeof fetchV17.parseResponse>;

export interface FetchOrder {
  readonly topicId: string;
  /** The offset to begin at, by partition; all led by the broker. */
  readonly wanted: ReadonlyMap<number, number>;
  /** How long the broker waits for a first record. */
  readonly waitMs: number;
}

/** What one partition gave. `nextOffset` is the one behind it. */
export interface Fetched {
  readonly partition: number;
  readonly from: number;
  readonly records: readonly LogRecord[];
  readonly nextOffset: number;
}

/** One fetch from one broker; partitions that gave nothing are left out. */
export async function fetchRecords(client: ClusterClient, leader: Broker, { topicId, wanted, waitMs }: FetchOrder): Promise<readonly Fetched[]> {
  const partitions = [...wanted].map(([partition, offset]) => ({
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: BigInt(offset),
    lastFetchedEpoch: -1,
    partitionMaxBytes: maxPartitionBytes,
  }));
  const { id, epoch } = sessionless;
  const isolation = FetchIsolationLevels.READ_UNCOMMITTED;
  const topics = [{ topicId, partitions }];
  const { responses } = await client.ask(leader, fetchV17.api, waitMs, 1, maxFetchBytes, isolation, id, epoch, topics, [], '');
  return fetchedOf(wanted, responses);
}

/** Of a fetch that failed: the partitions that do not have the offset. */
export function partitionsOutOfRange(error: unknown): readonly number[] {
  if (!(error instanceof ResponseError)) return [];
  const { responses } = error['response'] as FetchResponse;
  const gone = responses.flatMap(({ partitions }) => partitions).filter(({ errorCode }) => errorCode === offsetOutOfRange);
  return gone.map(({ partitionIndex }) => partitionIndex);
}

function fetchedOf(wanted: ReadonlyMap<number, number>, responses: FetchResponse['responses']): readonly Fetched[] {
  const fetched: Fetched[] = [];
  for (const { partitionIndex: partition, records: batches = [] } of responses.flatMap(({ partitions }) => partitions)) {
    const from = wanted.get(partition);
    if (from === undefined || batches.length === 0) continue;
    const records: LogRecord[] = [];
    let nextOffset = from;
    for (const { firstOffset, lastOffsetDelta, maxTimestamp, records: ofBatch } of batches) {
      const first = Number(firstOffset);
      // Of a topic with append times: that of the whole batch.
      const appendedAtMs = Number(maxTimestamp);
      for (const { offsetDelta, key, value } of ofBatch) {
        const offset = first + offsetDelta;
        // A batch comes whole, also one that begins before.
        if (offset >= from) records.push({ partition, offset, key: key?.toString() ?? '', value: value ?? Buffer.alloc(0), appendedAtMs });
      }
      nextOffset = first + lastOffsetDelta + 1;
    }
    fetched.push({ partition, from, records, nextOffset });
  }
  return fetched;
}
