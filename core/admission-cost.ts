import type { RateLimit } from '../protocol/limits.js';

export interface GatewayPressure {
  /** How much later than it should the event loop comes round. */
  readonly loopDelayMs: number;
  /** Sessions whose inbox is being read to them. */
  readonly drainingSessions: number;
}

const easyDelayMs = 100;
const easyDrains = 2_000;
const dearest = 10;
/** Of what a gateway lets in. What is left over is for those who come late to their turn. */
const shares = { line: 0.75, newcomers: 0.2 };

/** What one new session takes from the bucket `admission`: 1 as a rule, up to 10 while the gateway has trouble with those that it has. */
export function admissionCost({ loopDelayMs, drainingSessions }: GatewayPressure): number {
  return Math.min(dearest, Math.max(1, Math.ceil(loopDelayMs / easyDelayMs), Math.ceil(drainingSessions / easyDrains)));
}

/** How many a second may be given a turn. */
export function turnsPerSecond({ perSecond }: Pick<RateLimit, 'perSecond'>, cost: number): number {
  return (perSecond * shares.line) / cost;
}

/** For those who come without having waited, while others wait. */
export function newcomersOf({ burst, perSecond, whenStoreIsAway }: RateLimit): RateLimit {
  return { burst: Math.max(1, burst * shares.newcomers), perSecond: perSecond * shares.newcomers, whenStoreIsAway };
}
