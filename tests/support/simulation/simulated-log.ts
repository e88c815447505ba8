import type { AppendRecord, Appended, ConsumeOptions, Consumer, EventLog, LogRecord, PartitionHandler, Topic } from '../../../ports/event-log.js';
import type { Environment, Owner, Service } from './environment.js';

interface Assigned {
  readonly owner: Owner;
  readonly handler: PartitionHandler;
  readonly generation: number;
  next: number;
  revoked: boolean;
}

interface Partition {
  readonly records: LogRecord[];
  readonly groups: Map<string, { committed: number; generation: number; assigned: Assigned | undefined }>;
}

/** A log with partitions, groups and redelivery whose partitions the test moves about as it likes; a zombie's commits are fenced by its generation. */
export class SimulatedLog implements Service {
  down = false;
  readonly partitions: Record<Topic, Partition[]>;
  onCommit: (partition: number, nextOffset: number) => void = () => undefined;
  readonly #environment: Environment;

  constructor(environment: Environment, partitions: number) {
    this.#environment = environment;
    const empty = () => Array.from({ length: partitions }, (): Partition => ({ records: [], groups: new Map() }));
    this.partitions = { messages: empty(), receipts: empty(), push: empty() };
  }

  of(owner: Owner, onConsume: (options: ConsumeOptions) => void): EventLog {
    return {
      append: (topic, records) => this.#environment.call(owner, this, () => records.map((record) => this.appendNow(topic, record))),
      consume: (options): Promise<Consumer> => {
        onConsume(options);
        return Promise.resolve({ close: () => Promise.resolve() });
      },
      read: (topic, partition, offset) => Promise.resolve(this.partitions[topic][partition]?.records[offset]),
      partitionOf: (_topic, key) => this.partitionOf(key),
      progress: (topic, group) =>
        Promise.resolve(
          this.partitions[topic].map(({ records, groups }, partition) => ({
            partition,
            end: records.length,
            committed: groups.get(group)?.committed ?? 0,
          })),
        ),
      close: () => Promise.resolve(),
    };
  }

  partitionOf(key: string): number {
    return key.charCodeAt(key.length - 1) % this.partitions.messages.length;
  }

  appendNow(topic: Topic, { key, value }: AppendRecord): Appended {
    const partition = this.partitionOf(key);
    const { records, groups } = this.#partition(topic, partition);
    const appended = { partition, offset: records.length, appendedAtMs: this.#environment.clock.nowMs() };
    records.push({ ...appended, key, value });
    for (const { assigned } of groups.values()) if (assigned !== undefined) this.#pump(topic, partition, assigned);
    return appended;
  }

  /** Gives a partition to a consumer, from what the group committed. The old one is told after `zombieMs`, or never if it died. */
  assign(partition: number, owner: Owner, options: ConsumeOptions, zombieMs: number): void {
    const { topic, group } = options;
    const { groups } = this.#partition(topic, partition);
    const known = groups.get(group) ?? { committed: 0, generation: 0, assigned: undefined };
    groups.set(group, known);
    const old = known.assigned;
    known.generation += 1;
    const generation = known.generation;
    const handler = options.assigned({
      partition,
      commit: (nextOffset) => {
        if (!owner.dead && known.generation === generation && nextOffset > known.committed) {
          known.committed = nextOffset;
          if (group === 'delivery-router') this.onCommit(partition, nextOffset);
        }
        return Promise.resolve();
      },
    });
    known.assigned = { owner, handler, generation, next: known.committed, revoked: false };
    this.#pump(topic, partition, known.assigned);
    if (old === undefined || old.owner.dead) return;
    this.#environment.clock.after(zombieMs, () => {
      old.revoked = true;
      void old.handler.revoked();
    });
  }

  readonly #pumping = new Set<Assigned>();

  #pump(topic: Topic, partition: number, assigned: Assigned): void {
    if (this.#pumping.has(assigned)) return;
    this.#pumping.add(assigned);
    const { clock } = this.#environment;
    clock.after(this.#environment.latency(1, 5), () => {
      const batch = this.#partition(topic, partition).records.slice(assigned.next, assigned.next + 5);
      if (batch.length === 0 || assigned.revoked || assigned.owner.dead) {
        this.#pumping.delete(assigned);
        return;
      }
      assigned.handler.records(batch).then(
        () => {
          assigned.next += batch.length;
          this.#pumping.delete(assigned);
          this.#pump(topic, partition, assigned);
        },
        () => {
          clock.after(200, () => {
            this.#pumping.delete(assigned);
            this.#pump(topic, partition, assigned);
          });
        },
      );
    });
  }

  #partition(topic: Topic, partition: number): Partition {
    return this.partitions[topic][partition] as Partition;
  }
}
