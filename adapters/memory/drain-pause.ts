import type { Clock } from '../../ports/clock.js';
import type { DrainPause } from '../../ports/drain-pause.js';

/** Of one process. */
export function createMemoryDrainPause(clock: Clock): DrainPause {
  let endMs = 0;
  return {
    leftMs: () => Promise.resolve(Math.max(0, endMs - clock.nowMs())),
    set: (lastsMs) => {
      endMs = clock.nowMs() + lastsMs;
      return Promise.resolve();
    },
  };
}
