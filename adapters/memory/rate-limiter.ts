import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

import type { RateDecision, RateLimiter } from '../../ports/rate-limiter.js';
import type { RateLimit, RateLimitName } from '../../protocol/limits.js';

const allowed: RateDecision = { allowed: true };

/** `burst` at once, and again when as much time has passed as `perSecond` needs for them. */
export function createMemoryRateLimiter(limits: Readonly<Record<RateLimitName, RateLimit>>): RateLimiter {
  const limiterOf = ({ burst, perSecond }: RateLimit) => new RateLimiterMemory({ points: burst, duration: burst / perSecond });
  const limiters: Record<RateLimitName, RateLimiterMemory> = {
    send: limiterOf(limits.send),
    recipient: limiterOf(limits.recipient),
    hello: limiterOf(limits.hello),
    admission: limiterOf(limits.admission),
    prekeyBundle: limiterOf(limits.prekeyBundle),
    token: limiterOf(limits.token),
    typing: limiterOf(limits.typing),
    typingDevice: limiterOf(limits.typingDevice),
    groupChange: limiterOf(limits.groupChange),
    privacyChange: limiterOf(limits.privacyChange),
    join: limiterOf(limits.join),
    link: limiterOf(limits.link),
    explain: limiterOf(limits.explain),
    registration: limiterOf(limits.registration),
  };
  return {
    take: async (name, key, count = 1) => {
      try {
        await limiters[name].consume(key, count);
        return allowed;
      } catch (refusal) {
        if (refusal instanceof RateLimiterRes) return { allowed: false, retryAfterMs: Math.max(1, refusal.msBeforeNext) };
        throw refusal;
      }
    },
  };
}
