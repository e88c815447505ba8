import type { Clock } from '../../ports/clock.js';
import type { ConsumeOptions, LogRecord, PartitionHandler } from '../../ports/event-log.js';

const redeliveryPauseMs = 200;
/** Above it nothing more is fetched, below the lower mark fetching goes on. */
const maxQueued = 2_000;
const fewQueued = 500;

export interface PartitionFeedDependencies {
  readonly partition: number;
  /** What was committed: the first record comes from here. */
  readonly startOffset: number;
  readonly options: ConsumeOptions;
  readonly clock: Clock;
  commit(nextOffset: number): void;
  /** There is something to fetch again: room after there was none, or what has to be redelivered. */
  fetchable(): void;
}

/** One partition while it is assigned here: what was fetched waits in a queue for its handler, which gets one batch after the other. */
export class PartitionFeed {
  readonly #dependencies: PartitionFeedDependencies;
  readonly #handler: PartitionHandler;
  readonly #stop = new AbortController();
  #queue: LogRecord[] = [];
  #nextOffset: number;
  #committed: number;
  #working = false;
  #full = false;
  #revoked = false;

  constructor(dependencies: PartitionFeedDependencies) {
    const { options, partition, startOffset } = dependencies;
    this.#dependencies = dependencies;
    this.#nextOffset = startOffset;
    this.#committed = startOffset;
    this.#handler = options.assigned({
      partition,
      commit: (nextOffset) => {
        this.#commit(nextOffset);
        return Promise.resolve();
      },
    });
  }

  /** Where fetching goes on; `undefined` while too much waits already, and after the partition left. */
  get fetchFrom(): number | undefined {
    return this.#full || this.#stop.signal.aborted ? undefined : this.#nextOffset;
  }

  /** What was fetched from `offset`: dropped unless it is what comes next. `nextOffset` is the one behind it. */
  push(offset: number, records: readonly LogRecord[], nextOffset: number): void {
    if (offset !== this.fetchFrom) return;
    this.#nextOffset = nextOffset;
    this.#queue.push(...records);
    this.#full = this.#queue.length > maxQueued;
    if (!this.#working) void this.#work();
  }

  /** The log does not have what comes next any more; its oldest record is at `offset`. */
  skipTo(offset: number): void {
    this.#nextOffset = offset;
  }

  /** After it settles nothing is committed any more. */
  async revoke(): Promise<void> {
    this.#stop.abort();
    this.#queue = [];
    await this.#handler.revoked();
    this.#revoked = true;
  }

  async #work(): Promise<void> {
    this.#working = true;
    while (this.#queue.length > 0 && !this.#stop.signal.aborted) {
      const batch = this.#queue.splice(0, this.#dependencies.options.maxBatch);
      try {
        await this.#handler.records(batch);
      } catch {
        await this.#redeliver();
      }
      if (this.#full && this.#queue.length < fewQueued) {
        this.#full = false;
        this.#dependencies.fetchable();
      }
    }
    this.#working = false;
  }

  async #redeliver(): Promise<void> {
    await this.#dependencies.clock.sleep(redeliveryPauseMs, this.#stop.signal).catch(() => undefined);
    this.#queue = [];
    this.#nextOffset = this.#committed;
    this.#dependencies.fetchable();
  }

  #commit(nextOffset: number): void {
    if (this.#revoked || nextOffset <= this.#committed) return;
    this.#committed = nextOffset;
    this.#dependencies.commit(nextOffset);
  }
}
