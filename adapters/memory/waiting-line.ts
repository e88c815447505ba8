import type { Clock } from '../../ports/clock.js';
import type { WaitingLine } from '../../ports/waiting-line.js';

const offerLifeMs = 10_000;

interface Offer {
  readonly perSecond: number;
  readonly untilMs: number;
}

/** The line of one process. */
export function createMemoryWaitingLine(clock: Clock): WaitingLine {
  const offers = new Map<string, Offer>();
  let nextAtMs = 0;
  const offeredAt = (nowMs: number) => {
    let sum = 0;
    for (const [gatewayId, offer] of offers) {
      if (offer.untilMs > nowMs) sum += offer.perSecond;
      else offers.delete(gatewayId);
    }
    return sum;
  };
  return {
    offer: (gatewayId, offered) => {
      offers.set(gatewayId, { perSecond: offered, untilMs: clock.nowMs() + offerLifeMs });
      return Promise.resolve();
    },
    lengthMs: () => Promise.resolve(Math.max(0, nextAtMs - clock.nowMs())),
    take: (count, leastPerSecond) => {
      const nowMs = clock.nowMs();
      const everyMs = 1_000 / Math.max(leastPerSecond, offeredAt(nowMs));
      const firstAtMs = Math.max(nowMs + everyMs, nextAtMs);
      nextAtMs = firstAtMs + count * everyMs;
      return Promise.resolve({ firstInMs: firstAtMs - nowMs, everyMs });
    },
  };
}
