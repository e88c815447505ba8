import { LRUCache } from 'lru-cache';

import { mediaBucketOf } from '../../core/media-rules.js';
import type { Clock } from '../../ports/clock.js';
import type { DurableWork } from '../../ports/durable-work.js';
import type { Media } from '../../ports/media.js';
import type { MediaEvents } from '../../telemetry/media-events.js';
import { runTurns } from '../run-turns.js';

const maxKnownBuckets = 10_000;
const sweepEveryMs = 60_000;
const bucketsPerSweep = 100;
const auditMaxAgeMs = 365 * 24 * 3_600_000;
const forgottenPerSweep = 1_000;

export interface ExpiryBucketsDependencies {
  readonly media: Pick<Media, 'firstDue' | 'forget'>;
  readonly work: Pick<DurableWork, 'startMediaExpiry'>;
  readonly clock: Clock;
  readonly events: MediaEvents;
  readonly bucketMs: number;
}

/**
 * Sees to it that a workflow waits for the end of each bucket in which something is due. A start that fails is left to the sweep, which any gateway does once a minute, or once a bucket if
 * those are shorter: what is overdue starts its bucket again.
 */
export class ExpiryBuckets {
  readonly #dependencies: ExpiryBucketsDependencies;
  /** Ends of buckets whose workflow was started from here. */
  readonly #known = new LRUCache<number, true>({ max: maxKnownBuckets });

  constructor(dependencies: ExpiryBucketsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Something is due then. Waits for nothing. */
  due(times: readonly number[]): void {
    const { work, events, bucketMs } = this.#dependencies;
    for (const dueAtMs of times) {
      const bucket = mediaBucketOf(dueAtMs, bucketMs);
      if (this.#known.has(bucket.endMs)) continue;
      this.#known.set(bucket.endMs, true);
      work.startMediaExpiry(bucket).catch((error: unknown) => {
        this.#known.delete(bucket.endMs);
        events.startFailed(error);
      });
    }
  }

  /** Until the signal ends it. */
  sweep(signal: AbortSignal): Promise<void> {
    const { clock, bucketMs, events } = this.#dependencies;
    const everyMs = Math.min(sweepEveryMs, bucketMs);
    return runTurns({ clock, everyMs, signal }, async () => {
      try {
        await this.#look(clock.nowMs() - everyMs);
      } catch (error) {
        events.sweepFailed(error);
      }
    });
  }

  async #look(untilMs: number): Promise<void> {
    const { media, work, clock, events, bucketMs } = this.#dependencies;
    const overdue: number[] = [];
    for (let afterMs = 0; overdue.length < bucketsPerSweep;) {
      const dueAtMs = await media.firstDue({ afterMs, untilMs });
      if (dueAtMs === undefined) break;
      afterMs = mediaBucketOf(dueAtMs, bucketMs).endMs;
      // Of one that is not over its workflow is not late.
      if (afterMs <= untilMs) overdue.push(dueAtMs);
    }
    events.overdue(overdue.length);
    await Promise.all(overdue.map((dueAtMs) => work.startMediaExpiry(mediaBucketOf(dueAtMs, bucketMs))));
    await media.forget(clock.nowMs() - auditMaxAgeMs, forgottenPerSweep);
  }
}
