import { mergeReceipts } from '../../core/receipts.js';
import type { Clock } from '../../ports/clock.js';
import type { PartitionAssignment } from '../../ports/event-log.js';
import type { Watermarks } from '../../ports/watermarks.js';
import type { ReceiptRecord } from '../../protocol/log-records.js';
import type { PipelineEvents } from '../../telemetry/pipeline-events.js';

const againAfterMs = 300;
/** What comes within it makes one write. */
const gatherMs = 50;

export interface WatermarkRaiserDependencies {
  readonly watermarks: Watermarks;
  readonly clock: Clock;
  readonly events: PipelineEvents;
  /** Watermarks that may wait for the store before `add` waits too. */
  readonly maxWaiting: number;
}

/**
 * Raises the watermarks of one partition behind the back of whoever tells of them: what comes while the store is written makes one write together, and the offset is committed after it.
 * A store that is away is tried until it answers.
 */
export class WatermarkRaiser {
  readonly #assignment: PartitionAssignment;
  readonly #dependencies: WatermarkRaiserDependencies;
  readonly #stop = new AbortController();
  #waiting: readonly ReceiptRecord[] = [];
  #nextOffset = 0;
  #working: Promise<void> | undefined;

  constructor(assignment: PartitionAssignment, dependencies: WatermarkRaiserDependencies) {
    this.#assignment = assignment;
    this.#dependencies = dependencies;
  }

  /** `nextOffset`: everything below it is done with these. Resolves at once unless too much waits. */
  async add(receipts: readonly ReceiptRecord[], nextOffset: number): Promise<void> {
    this.#waiting = mergeReceipts([...this.#waiting, ...receipts]);
    this.#nextOffset = nextOffset;
    this.#working ??= this.#work();
    if (this.#waiting.length > this.#dependencies.maxWaiting) await this.#working;
  }

  /** Resolves when nothing is under way; what was not written is redelivered. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    const { watermarks, clock, events } = this.#dependencies;
    const { signal } = this.#stop;
    while (this.#waiting.length > 0 && !signal.aborted) {
      // Those of all partitions write at the same moments, which wakes the store less often.
      await clock.sleep(gatherMs - (clock.nowMs() % gatherMs), signal).catch(() => undefined);
      const [receipts, nextOffset] = [this.#waiting, this.#nextOffset];
      this.#waiting = [];
      try {
        await watermarks.raise(receipts);
        await this.#assignment.commit(nextOffset);
      } catch (error) {
        events.retried('watermarks', error);
        this.#waiting = mergeReceipts([...receipts, ...this.#waiting]);
        await clock.sleep(againAfterMs, signal).catch(() => undefined);
      }
    }
    this.#working = undefined;
  }
}
