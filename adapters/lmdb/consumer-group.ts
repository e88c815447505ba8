import type { Clock } from '../../ports/clock.js';
import type { ConsumeOptions, Consumer, PartitionHandler } from '../../ports/event-log.js';
import type { LogPartition } from './log-partition.js';
import type { LmdbTable } from './lmdb-table.js';

const redeliveryPauseMs = 200;
/** Commits of this long are written together: a crash redelivers that much more. */
const commitEveryMs = 50;

export interface ConsumerGroupDependencies {
  /** `topic/group`. */
  readonly name: string;
  readonly partitions: readonly LogPartition[];
  readonly offsets: LmdbTable<Buffer>;
  readonly clock: Clock;
}

/** The consumers of one group, which share its partitions; a change of their number moves partitions. */
export class ConsumerGroup {
  readonly #dependencies: ConsumerGroupDependencies;
  readonly #committed: number[];
  /** Partitions whose offset is not written yet. */
  readonly #unwritten = new Set<number>();
  #writing: Promise<void> | undefined;
  readonly #members: ConsumeOptions[] = [];
  readonly #assignments = new Map<number, { readonly member: ConsumeOptions; readonly assignment: Assignment }>();
  #rebalancing: Promise<void> = Promise.resolve();

  constructor(dependencies: ConsumerGroupDependencies) {
    this.#dependencies = dependencies;
    this.#committed = dependencies.partitions.map(({ index }) => ConsumerGroup.stored(dependencies.offsets, dependencies.name, index));
  }

  /** What a group committed, whether anybody consumes in it or not. */
  static stored(offsets: LmdbTable<Buffer>, name: string, partition: number): number {
    return offsets.get(offsetKey(name, partition))?.readDoubleBE(0) ?? 0;
  }

  committed(partition: number): number {
    return this.#committed[partition] ?? 0;
  }

  async join(options: ConsumeOptions): Promise<Consumer> {
    this.#members.push(options);
    await this.#rebalance();
    return {
      close: async () => {
        this.#members.splice(this.#members.indexOf(options), 1);
        await this.#rebalance();
      },
    };
  }

  async close(): Promise<void> {
    this.#members.length = 0;
    await this.#rebalance();
    await this.#write();
  }

  /** One after the other: a partition is given away only after its old owner has let go. */
  #rebalance(): Promise<void> {
    this.#rebalancing = this.#rebalancing.then(async () => {
      await Promise.all(this.#dependencies.partitions.map((partition) => this.#place(partition)));
    });
    return this.#rebalancing;
  }

  async #place(partition: LogPartition): Promise<void> {
    const member = this.#members[partition.index % Math.max(1, this.#members.length)];
    const present = this.#assignments.get(partition.index);
    if (present?.member === member) return;
    await present?.assignment.revoke();
    this.#assignments.delete(partition.index);
    if (member === undefined) return;
    const assignment = new Assignment(partition, member, {
      clock: this.#dependencies.clock,
      committed: () => this.committed(partition.index),
      commit: (nextOffset) => {
        this.#commit(partition.index, nextOffset);
      },
    });
    this.#assignments.set(partition.index, { member, assignment });
  }

  #commit(partition: number, nextOffset: number): void {
    if (nextOffset <= this.committed(partition)) return;
    this.#committed[partition] = nextOffset;
    this.#unwritten.add(partition);
    this.#writing ??= this.#writeSoon();
  }

  async #writeSoon(): Promise<void> {
    await this.#dependencies.clock.sleep(commitEveryMs);
    await this.#write().catch(() => undefined);
    this.#writing = undefined;
  }

  async #write(): Promise<void> {
    const { name, offsets } = this.#dependencies;
    const partitions = [...this.#unwritten];
    this.#unwritten.clear();
    await Promise.all(
      partitions.map((partition) => {
        const value = Buffer.allocUnsafe(8);
        value.writeDoubleBE(this.committed(partition));
        return offsets.put(offsetKey(name, partition), value);
      }),
    );
  }
}

interface AssignmentContext {
  readonly clock: Clock;
  committed(): number;
  commit(nextOffset: number): void;
}

/** One partition in the hands of one consumer. */
class Assignment {
  readonly #partition: LogPartition;
  readonly #options: ConsumeOptions;
  readonly #context: AssignmentContext;
  readonly #handler: PartitionHandler;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #revoked = false;
  #wake: () => void = () => undefined;

  constructor(partition: LogPartition, options: ConsumeOptions, context: AssignmentContext) {
    this.#partition = partition;
    this.#options = options;
    this.#context = context;
    this.#handler = options.assigned({
      partition: partition.index,
      commit: (nextOffset) => {
        if (!this.#revoked) context.commit(nextOffset);
        return Promise.resolve();
      },
    });
    this.#running = this.#run();
  }

  async revoke(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#handler.revoked();
    this.#revoked = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const stopListening = this.#partition.onPublished(() => {
      this.#wake();
    });
    let next = this.#context.committed();
    while (!this.#stop.signal.aborted) {
      const batch = this.#partition.read(next, this.#options.maxBatch);
      if (batch.length === 0) await this.#published(next);
      else next = await this.#deliver(batch, next);
    }
    stopListening();
  }

  /** Answers where to go on: behind the batch, or at the committed offset after a pause. */
  async #deliver(batch: Parameters<PartitionHandler['records']>[0], next: number): Promise<number> {
    try {
      await this.#handler.records(batch);
      return (batch.at(-1)?.offset ?? next - 1) + 1;
    } catch {
      await this.#context.clock.sleep(redeliveryPauseMs, this.#stop.signal).catch(() => undefined);
      return this.#context.committed();
    }
  }

  async #published(next: number): Promise<void> {
    if (this.#partition.end > next || this.#stop.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}

function offsetKey(name: string, partition: number): Buffer {
  return Buffer.from(`${name}/${partition}`);
}
