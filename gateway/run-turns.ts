import type { Clock } from '../ports/clock.js';

interface Turns {
  readonly clock: Clock;
  readonly everyMs: number;
  /** Ends them; never rejects because of it. */
  readonly signal: AbortSignal;
}

/** One turn after the other, with a pause before each. */
export async function runTurns({ clock, everyMs, signal }: Turns, turn: () => void | Promise<void>): Promise<void> {
  for (;;) {
    await clock.sleep(everyMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    await turn();
  }
}
