import { setTimeout as sleep } from 'node:timers/promises';

import { DomainError } from '../../protocol/errors.js';
import { SdkError } from '../sdk-error.js';

const attempts = 6;
const firstPauseMs = 500;

/** Tries until it succeeds, with a doubled pause before each further attempt; a network or a store that is away is tried 6 times, everything else is thrown at once, and the signal's reason when that ends it. */
export async function again<Result>(signal: AbortSignal, attempt: () => Promise<Result>): Promise<Result> {
  for (let failures = 0; ; failures += 1) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (failures === attempts - 1 || !isPassing(error)) throw error;
      await sleep(firstPauseMs * 2 ** failures, undefined, { signal }).catch(() => undefined);
    }
  }
}

function isPassing(error: unknown): boolean {
  return (error instanceof SdkError && error.code === 'offline') || (error instanceof DomainError && error.code === 'unavailable');
}
