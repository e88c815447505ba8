import { setTimeout as sleep } from 'node:timers/promises';

const shortestPauseMs = 25;
const longestPauseMs = 200;

/** Repeats a check until it passes, the less often the longer it takes; after the time it throws what the check threw last. */
export async function eventually<T>(check: () => T | Promise<T>, timeoutMs = 10_000): Promise<T> {
  const startMs = Date.now();
  for (;;) {
    try {
      return await check();
    } catch (error) {
      const waitedMs = Date.now() - startMs;
      if (waitedMs >= timeoutMs) throw error;
      await sleep(Math.min(longestPauseMs, Math.max(shortestPauseMs, waitedMs / 10)));
    }
  }
}
