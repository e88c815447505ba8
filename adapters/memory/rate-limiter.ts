import { isFull, takeTokens, type BucketLevel } from '../../core/token-bucket.js';
import type { Clock } from '../../ports/clock.js';
import type { RateDecision, RateLimiter } from '../../ports/rate-limiter.js';
import type { RateLimit, RateLimitName } from '../../protocol/limits.js';

/** After so many takes the buckets of a name are looked through for those that are full again. */
const takesBetweenSweeps = 10_000;

/** The buckets of one process: each is kept until it is full again. */
export function createMemoryRateLimiter(limits: Readonly<Record<RateLimitName, RateLimit>>, clock: Clock): RateLimiter {
  const buckets = new Map<RateLimitName, Buckets>();
  return {
    take: (name, key, count = 1) => {
      let ofName = buckets.get(name);
      if (ofName === undefined) buckets.set(name, (ofName = new Buckets(limits[name], clock)));
      return Promise.resolve(ofName.take(key, count));
    },
  };
}

class Buckets {
  readonly #limit: RateLimit;
  readonly #clock: Clock;
  readonly #levels = new Map<string, BucketLevel>();
  #takes = 0;

  constructor(limit: RateLimit, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
  }

  take(key: string, count: number): RateDecision {
    const nowMs = this.#clock.nowMs();
    this.#takes += 1;
    if (this.#takes % takesBetweenSweeps === 0) this.#sweep(nowMs);
    const taken = takeTokens(this.#limit, this.#levels.get(key), { count, nowMs });
    if (!taken.allowed) return taken;
    this.#levels.set(key, taken.level);
    return { allowed: true };
  }

  #sweep(nowMs: number): void {
    for (const [key, level] of this.#levels) if (isFull(this.#limit, level, nowMs)) this.#levels.delete(key);
  }
}
