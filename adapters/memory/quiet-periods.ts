import type { Clock } from '../../ports/clock.js';
import type { QuietPeriods } from '../../ports/quiet-periods.js';
import { deviceKey } from '../../protocol/ids.js';

/** Of one process. */
export function createMemoryQuietPeriods(clock: Clock, periodMs: number): QuietPeriods {
  /** When they end; all are equally long, so they stand in that order. */
  const ends = new Map<string, number>();
  return {
    begin: (device) => {
      const nowMs = clock.nowMs();
      for (const [key, endMs] of ends) {
        if (endMs > nowMs) break;
        ends.delete(key);
      }
      const key = deviceKey(device);
      const runningUntilMs = ends.get(key);
      if (runningUntilMs === undefined) ends.set(key, nowMs + periodMs);
      return Promise.resolve(runningUntilMs === undefined ? 0 : runningUntilMs - nowMs);
    },
  };
}
