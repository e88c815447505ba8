import type { RateLimit } from '../protocol/limits.js';

export interface GatewayPressure {
  /** How much later than it should the event loop comes round. */
  readonly loopDelayMs: number;
  /** Sessions whose inbox is being read to them. */
  readonly drainingSessions: number;
}

const easyDelayMs = 100;
const easyDrains = 2_000;
/** A gateway that others keep busy gains little by letting in fewer than that. */
const dearest = 4;
/** Of what a gateway lets in. Newcomers and latecomers take what the line leaves over, or does not use. */
const shares = { line: 0.75, newcomers: 0.2, latecomers: 0.25 };

/** What one new session takes from the bucket `admission`: 1 as a rule, up to 4 while the gateway has trouble with those that it has. */
export function admissionCost({ loopDelayMs, drainingSessions }: GatewayPressure): number {
  return Math.min(dearest, Math.max(1, Math.ceil(loopDelayMs / easyDelayMs), Math.ceil(drainingSessions / easyDrains)));
}

/** How many a second may be given a turn. */
export function turnsPerSecond({ perSecond }: Pick<RateLimit, 'perSecond'>, cost: number): number {
  return (perSecond * shares.line) / cost;
}

/** How many a second may come again of those who found no room at their turn, while others wait for theirs. */
export function latecomersPerSecond({ perSecond }: Pick<RateLimit, 'perSecond'>): number {
  return perSecond * shares.latecomers;
}

/** For those who come without having waited, while others wait. */
export function newcomersOf({ burst, perSecond, whenStoreIsAway }: RateLimit): RateLimit {
  return { burst: Math.max(1, burst * shares.newcomers), perSecond: perSecond * shares.newcomers, whenStoreIsAway };
}
