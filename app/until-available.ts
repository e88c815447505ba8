import { DomainError } from '../protocol/errors.js';
import { StartError } from './start-error.js';

const pollMs = 200;

export interface UntilAvailableOptions {
  /** What is waited for, as people know it. */
  readonly name: string;
  readonly remedy: string;
  readonly timeoutMs: number;
  /** Called once, when the first attempt failed. */
  readonly waiting?: (name: string) => void;
}

/** Tries until it is there. Throws StartError after the time, and at once whatever is not a DomainError. */
export async function untilAvailable<Result>(options: UntilAvailableOptions, attempt: () => Promise<Result>): Promise<Result> {
  const { name, remedy, timeoutMs, waiting } = options;
  const deadlineMs = performance.now() + timeoutMs;
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      if (performance.now() > deadlineMs) throw new StartError(`${name} did not answer within ${timeoutMs / 1_000} s${reasonOf(error)}`, remedy);
      if (attempts === 1) waiting?.(name);
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

function reasonOf({ cause }: DomainError): string {
  return cause instanceof Error && cause.message !== '' ? ` (${cause.message})` : '';
}
