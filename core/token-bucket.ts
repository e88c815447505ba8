import type { RateLimit } from '../protocol/limits.js';

/** What a bucket held at a time. One that is not known is full. */
export interface BucketLevel {
  readonly tokens: number;
  readonly atMs: number;
}

export type Taken = { readonly allowed: true; readonly level: BucketLevel } | { readonly allowed: false; readonly retryAfterMs: number };

/** A token bucket: `burst` at once, then `perSecond`. Whoever wants more than it ever holds needs a full one. */
export function takeTokens(
  { burst, perSecond }: RateLimit,
  level: BucketLevel | undefined,
  { count, nowMs }: { readonly count: number; readonly nowMs: number },
): Taken {
  const wanted = Math.min(count, burst);
  const tokens = tokensAt({ burst, perSecond }, level, nowMs);
  if (tokens >= wanted) return { allowed: true, level: { tokens: tokens - wanted, atMs: nowMs } };
  return { allowed: false, retryAfterMs: Math.max(1, Math.ceil(((wanted - tokens) / perSecond) * 1_000)) };
}

/** Whether nothing is lost if it is forgotten. */
export function isFull(limit: RateLimit, level: BucketLevel, nowMs: number): boolean {
  return tokensAt(limit, level, nowMs) >= limit.burst;
}

function tokensAt({ burst, perSecond }: Pick<RateLimit, 'burst' | 'perSecond'>, level: BucketLevel | undefined, nowMs: number): number {
  if (level === undefined) return burst;
  return Math.min(burst, level.tokens + (Math.max(0, nowMs - level.atMs) / 1_000) * perSecond);
}
