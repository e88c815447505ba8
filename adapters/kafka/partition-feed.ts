import type { Clock } from '../../ports/clock.js';
import type { ConsumeOptions, LogRecord, PartitionHandler } from '../../ports/event-log.js';

const redeliveryPauseMs = 200;
/** Above it fetching pauses, below the lower mark it goes on. */
const maxQueued = 2_000;
const fewQueued = 500;

export interface PartitionFeedDependencies {
  readonly partition: number;
  readonly options: ConsumeOptions;
  readonly clock: Clock;
  commit(nextOffset: number): void;
  /** Fetching is to go on at this offset. */
  seek(offset: number): void;
  pause(): void;
  resume(): void;
}

/** One partition while it is assigned here: what was fetched waits in a queue for its handler, which gets one batch after the other. */
export class PartitionFeed {
  readonly #dependencies: PartitionFeedDependencies;
  readonly #handler: PartitionHandler;
  readonly #stop = new AbortController();
  #queue: LogRecord[] = [];
  /** Offset of the record that has to come next; `undefined` until the first came. */
  #expected: number | undefined;
  #committed: number | undefined;
  #working = false;
  #paused = false;
  #revoked = false;

  constructor(dependencies: PartitionFeedDependencies) {
    const { options, partition } = dependencies;
    this.#dependencies = dependencies;
    this.#handler = options.assigned({
      partition,
      commit: (nextOffset) => {
        this.#commit(nextOffset);
        return Promise.resolve();
      },
    });
  }

  /** `false`: records are missing before these, so somebody else worked the partition meanwhile: this feed has to end. */
  push(records: readonly LogRecord[]): boolean {
    const first = records[0];
    if (first === undefined) return true;
    this.#committed ??= first.offset;
    if (this.#expected !== undefined && first.offset > this.#expected) return false;
    // What comes again after a rebalance was not committed, whatever kafkajs said.
    if (first.offset < this.#committed) this.#dependencies.commit(this.#committed);
    const expected = this.#expected ?? first.offset;
    const fresh = records.filter(({ offset }) => offset >= expected);
    this.#queue.push(...fresh);
    this.#expected = (fresh.at(-1)?.offset ?? expected - 1) + 1;
    if (this.#queue.length > maxQueued) this.#pause();
    if (!this.#working) void this.#work();
    return true;
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
      if (this.#queue.length < fewQueued) this.#resume();
    }
    this.#working = false;
  }

  async #redeliver(): Promise<void> {
    await this.#dependencies.clock.sleep(redeliveryPauseMs, this.#stop.signal).catch(() => undefined);
    if (this.#stop.signal.aborted) return;
    this.#queue = [];
    this.#expected = this.#committed;
    this.#dependencies.seek(this.#committed ?? 0);
  }

  #commit(nextOffset: number): void {
    if (this.#revoked || nextOffset <= (this.#committed ?? -1)) return;
    this.#committed = nextOffset;
    this.#dependencies.commit(nextOffset);
  }

  /** Told as often as the queue is too long: a consumer that started again has forgotten it. */
  #pause(): void {
    this.#paused = true;
    this.#dependencies.pause();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#dependencies.resume();
  }
}
