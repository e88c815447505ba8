import type { RateLimitName } from '../protocol/limits.js';

export type RateDecision = { readonly allowed: true } | { readonly allowed: false; readonly retryAfterMs: number };

/**
 * Token buckets by name and key. While the store is away each bucket answers as `whenStoreIsAway` of its limit says; never throws.
 */
export interface RateLimiter {
  take(name: RateLimitName, key: string, count?: number): Promise<RateDecision>;
}
