import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

import type { RateDecision, RateLimiter } from '../../ports/rate-limiter.js';
import type { RateLimit, RateLimitName } from '../../protocol/limits.js';
import type { RedisConnection } from './redis-connection.js';

/** Buckets that requests to any gateway draw from. The others belong to a device, which is on one gateway at a time, or to a gateway. */
const shared = [
  'prekeyBundle',
  'token',
  'groupChange',
  'privacyChange',
  'join',
  'link',
  'explain',
  'registration',
] as const satisfies readonly RateLimitName[];
const allowed: RateDecision = { allowed: true };
const retryAfterMs = 1_000;

/** `burst` at once, and again when as much time has passed as `perSecond` needs for them. */
export function createRedisRateLimiter(
  connection: RedisConnection,
  limits: Readonly<Record<RateLimitName, RateLimit>>,
  ofThisGateway: RateLimiter,
): RateLimiter {
  const limiters = new Map<RateLimitName, RateLimiterRedis>(
    shared.map((name) => {
      const { burst, perSecond } = limits[name];
      const keyPrefix = connection.key('rate', name);
      return [
        name,
        new RateLimiterRedis({
          storeClient: connection.redis,
          keyPrefix,
          points: burst,
          duration: wholeSeconds(burst / perSecond),
          rejectIfRedisNotReady: true,
        }),
      ];
    }),
  );
  return {
    take: async (name, key, count = 1) => {
      const limiter = limiters.get(name);
      if (limiter === undefined) return ofThisGateway.take(name, key, count);
      try {
        await limiter.consume(key, count);
        return allowed;
      } catch (refusal) {
        if (refusal instanceof RateLimiterRes) return { allowed: false, retryAfterMs: Math.max(1, refusal.msBeforeNext) };
        return limits[name].whenStoreIsAway === 'open' ? allowed : { allowed: false, retryAfterMs };
      }
    },
  };
}

/** Redis forgets after whole seconds; 0 would be never. */
function wholeSeconds(seconds: number): number {
  return Math.max(1, Math.round(seconds));
}
