import type { RateDecision, RateLimiter } from '../../ports/rate-limiter.js';
import { DomainError } from '../../protocol/errors.js';
import type { RateLimit, RateLimitName } from '../../protocol/limits.js';
import type { RedisConnection } from './redis-connection.js';

/** Buckets that requests to any gateway draw from. The others belong to a device, which is on one gateway at a time, or to a gateway. */
const shared: ReadonlySet<RateLimitName> = new Set([
  'prekeyBundle',
  'token',
  'groupChange',
  'privacyChange',
  'join',
  'link',
  'explain',
  'media',
  'mediaBytes',
  'registration',
]);
const allowed: RateDecision = { allowed: true };
const retryAfterMs = 1_000;

export function createRedisRateLimiter(
  connection: RedisConnection,
  limits: Readonly<Record<RateLimitName, RateLimit>>,
  ofThisGateway: RateLimiter,
): RateLimiter {
  return {
    take: async (name, key, count = 1) => {
      if (!shared.has(name)) return ofThisGateway.take(name, key, count);
      const { burst, perSecond, whenStoreIsAway } = limits[name];
      try {
        const waitMs = Number(await connection.script('take-tokens', [connection.key('rate', name, key)], [burst, perSecond, count]));
        return waitMs === 0 ? allowed : { allowed: false, retryAfterMs: waitMs };
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        return whenStoreIsAway === 'open' ? allowed : { allowed: false, retryAfterMs };
      }
    },
  };
}
