import { setTimeout as sleep } from 'node:timers/promises';

import { afterFailure } from './messages/outbox-rules.js';

/** Does the work again, with backoff, as long as what failed may pass by itself. Ends without having done it when the signal aborts. Throws what asking again does not mend. */
export async function untilDone(work: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      await work();
      return;
    } catch (error) {
      const next = afterFailure(error, failures, Math.random());
      if (next.step !== 'again') throw error;
      await sleep(next.afterMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
