import type { Clock } from '../ports/clock.js';
import type { Demand } from './demand.js';

interface Turns {
  readonly clock: Clock;
  readonly everyMs: number;
  /** Turns come while it is there; without it, always. */
  readonly demand?: Demand;
  /** Ends them; never rejects because of it. */
  readonly signal: AbortSignal;
}

/** One turn after the other, with a pause before each. */
export async function runTurns({ clock, everyMs, demand, signal }: Turns, turn: () => void | Promise<void>): Promise<void> {
  for (;;) {
    await demand?.appears(signal);
    await clock.sleep(everyMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    await turn();
  }
}
