/** The topics of the log. `messages` and `receipts` are keyed by conversation id, `push` by account id. */
export const topics = ['messages', 'receipts', 'push'] as const;
export type Topic = (typeof topics)[number];

export interface AppendRecord {
  readonly key: string;
  readonly value: Uint8Array;
}

export interface Appended {
  readonly partition: number;
  readonly offset: number;
  /** The log's own append time. */
  readonly appendedAtMs: number;
}

export interface LogRecord extends Appended {
  readonly key: string;
  readonly value: Uint8Array;
}

/** What a consumer does with one partition while it is assigned to this process. */
export interface PartitionHandler {
  /** Gets records in offset order. No further call for this partition until the returned promise settles: that is the back-pressure. A rejection makes the log redeliver from the committed offset after a pause. */
  records(batch: readonly LogRecord[]): Promise<void>;
  /** The partition moves away or the consumer closes. After it settles nothing of this assignment may be committed. */
  revoked(): Promise<void>;
}

export interface PartitionAssignment {
  readonly partition: number;
  /** Everything below `nextOffset` is done. Later calls with a lower number are ignored. Resolves when the log took it; a crash soon after may redeliver all the same. */
  commit(nextOffset: number): Promise<void>;
}

export interface ConsumeOptions {
  readonly topic: Topic;
  readonly group: string;
  /** At most so many records in one `records` call. */
  readonly maxBatch: number;
  /** After a batch the next one may be held back so long, so that more records come together. Left out: nothing waits for others. A log that gains nothing by it need not. */
  readonly gatherMs?: number;
  assigned(assignment: PartitionAssignment): PartitionHandler;
}

export interface Consumer {
  /** Stops fetching, calls `revoked` on every handler, then leaves the group. */
  close(): Promise<void>;
}

/** End and committed offset of one partition for one group; `end - committed` is the lag. */
export interface GroupProgress {
  readonly partition: number;
  readonly end: number;
  readonly committed: number;
}

/** A consumer group of a topic. */
export interface LogReader {
  readonly topic: Topic;
  readonly group: string;
}

/**
 * A partitioned, durable log.
 *
 * Order: records with one key land in one partition and keep the order of the calls that appended them; offsets grow by one inside a partition, from 0.
 * Durability: `append` resolves only when the records survive a crash of the machine (fsync here, acks=all there); a record is delivered to consumers only after that.
 * Delivery: at least once per consumer group, from the committed offset. Each partition is worked by one consumer of a group at a time.
 * Throws DomainError `unavailable` when the log is away or its queue is full.
 */
export interface EventLog {
  append(topic: Topic, records: readonly AppendRecord[]): Promise<readonly Appended[]>;
  consume(options: ConsumeOptions): Promise<Consumer>;
  /** One record of the past; `undefined` when retention took it, or it is not there yet. Not for the hot path. */
  read(topic: Topic, partition: number, offset: number): Promise<LogRecord | undefined>;
  /** The partition of a key; stable for the life of a topic. */
  partitionOf(topic: Topic, key: string): number;
  progress(topic: Topic, group: string): Promise<readonly GroupProgress[]>;
  close(): Promise<void>;
}

/** How far a group is in the partition of a key. */
export async function progressOf(
  eventLog: Pick<EventLog, 'progress' | 'partitionOf'>,
  { topic, group }: LogReader,
  key: string,
): Promise<GroupProgress> {
  return ofPartition(await eventLog.progress(topic, group), eventLog.partitionOf(topic, key));
}

/** A partition that nobody tells of is empty. */
export function ofPartition(all: readonly GroupProgress[], partition: number): GroupProgress {
  return all.find((of) => of.partition === partition) ?? { partition, end: 0, committed: 0 };
}
