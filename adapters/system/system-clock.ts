import { setTimeout as sleep } from 'node:timers/promises';

import type { Clock } from '../../ports/clock.js';

export function createSystemClock(): Clock {
  return {
    nowMs: () => Date.now(),
    sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
  };
}
