import { setTimeout as sleep } from 'node:timers/promises';

/** Repeats a check until it passes; after the time it throws what the check threw last. */
export async function eventually<T>(check: () => T | Promise<T>, timeoutMs = 10_000): Promise<T> {
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() >= deadlineMs) throw error;
      await sleep(25);
    }
  }
}
