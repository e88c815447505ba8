export interface AdaptiveLimitOptions {
  readonly least: number;
  readonly most: number;
  /** What takes longer on average is a sign that too much is under way. */
  readonly slowMs: number;
}

/**
 * How much of some work may be under way at a time, found by how long it takes: after as many as may be under way have ended, half as many if they were slow or failed, an eighth more if
 * they were not and there was no room for others.
 */
export class AdaptiveLimit {
  readonly #options: AdaptiveLimitOptions;
  #current: number;
  #ended = 0;
  #sumMs = 0;
  #wasFull = false;

  constructor(options: AdaptiveLimitOptions) {
    this.#options = options;
    this.#current = options.most;
  }

  get current(): number {
    return this.#current;
  }

  /** `tookMs` is Infinity for what failed; `full`: as much was under way as may be. */
  ended(tookMs: number, full: boolean): void {
    const { least, most, slowMs } = this.#options;
    this.#ended += 1;
    // One that hangs says no more than one that is slow.
    this.#sumMs += Math.min(tookMs, 2 * slowMs);
    this.#wasFull ||= full;
    if (this.#ended < this.#current) return;
    if (this.#sumMs / this.#ended > slowMs) this.#current = Math.max(least, Math.floor(this.#current / 2));
    else if (this.#wasFull) this.#current = Math.min(most, this.#current + Math.ceil(this.#current / 8));
    this.#ended = 0;
    this.#sumMs = 0;
    this.#wasFull = false;
  }
}
