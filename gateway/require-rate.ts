import type { RateLimiter } from '../ports/rate-limiter.js';
import { DomainError } from '../protocol/errors.js';
import type { RateLimitName } from '../protocol/limits.js';

/** Throws DomainError `rate_limited` that says when to come back. */
export async function requireRate(rateLimiter: RateLimiter, name: RateLimitName, key: string, count = 1): Promise<void> {
  const decision = await rateLimiter.take(name, key, count);
  if (decision.allowed) return;
  throw new DomainError('rate_limited', `too many requests of this kind (${name})`, { retryAfterMs: decision.retryAfterMs, detail: { limit: name } });
}
