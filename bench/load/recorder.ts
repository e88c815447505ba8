import { build, type Histogram } from 'hdr-histogram-js';

/** p50, p95, p99 and the worst, in milliseconds. */
export interface LatencySummary {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export const stages = ['accepted', 'delivered', 'receipted'] as const;
export type Stage = (typeof stages)[number];

export interface Counts {
  readonly sent: number;
  readonly accepted: number;
  readonly delivered: number;
  readonly receipted: number;
  /** Deliveries of a message that had been delivered before. */
  readonly duplicates: number;
  readonly refused: Readonly<Record<string, number>>;
}

/** From the time a message was to be sent; recorded in microseconds, up to ten minutes, to three digits. */
function createHistogram(): Histogram {
  return build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000, numberOfSignificantValueDigits: 3 });
}

/**
 * Collects one run. Latencies and `completed` are of messages whose intended time, or end, lies inside the measured time;
 * counts are of the whole run, so that nothing that was sent can go missing unseen.
 */
export class Recorder {
  readonly #histograms: Readonly<Record<Stage, Histogram>> = {
    accepted: createHistogram(),
    delivered: createHistogram(),
    receipted: createHistogram(),
  };
  readonly #late = createHistogram();
  readonly #refused = new Map<string, number>();
  readonly #counts = { sent: 0, accepted: 0, delivered: 0, receipted: 0, duplicates: 0 };
  #fromMs = Infinity;
  #untilMs = Infinity;
  #completed = 0;

  /** Times of `performance.now()`. */
  measure(fromMs: number, untilMs: number): void {
    this.#fromMs = fromMs;
    this.#untilMs = untilMs;
  }

  sent(intendedAtMs: number, nowMs: number): void {
    this.#counts.sent += 1;
    if (this.#measures(intendedAtMs)) this.#late.recordValue(toUs(nowMs - intendedAtMs));
  }

  reached(stage: Stage, intendedAtMs: number, nowMs: number): void {
    this.#counts[stage] += 1;
    if (this.#measures(intendedAtMs)) this.#histograms[stage].recordValue(toUs(nowMs - intendedAtMs));
    if (stage === 'receipted' && this.#measures(nowMs)) this.#completed += 1;
  }

  duplicate(): void {
    this.#counts.duplicates += 1;
  }

  refused(code: string): void {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
  }

  counts(): Counts {
    return { ...this.#counts, refused: Object.fromEntries(this.#refused) };
  }

  /** Exchanges that ended inside the measured time. */
  get completed(): number {
    return this.#completed;
  }

  latency(stage: Stage): LatencySummary {
    return summarise(this.#histograms[stage]);
  }

  /** How late the generator itself sent. It is part of every latency. */
  lateness(): LatencySummary {
    return summarise(this.#late);
  }

  #measures(atMs: number): boolean {
    return atMs >= this.#fromMs && atMs < this.#untilMs;
  }
}

function toUs(ms: number): number {
  return Math.max(0, Math.round(ms * 1000));
}

function summarise(histogram: Histogram): LatencySummary {
  const at = (percentile: number) => (histogram.totalCount === 0 ? 0 : histogram.getValueAtPercentile(percentile) / 1000);
  return { p50Ms: at(50), p95Ms: at(95), p99Ms: at(99), maxMs: at(100) };
}
