import { DomainError, errorCodes, type ErrorCode } from '../../protocol/errors.js';
import { rosterDifference, type RosterDifference } from '../../protocol/server-frames.js';
import { SdkError } from '../sdk-error.js';

/** What becomes of a message that could not be sealed or was not accepted. */
export type AfterFailure =
  | { readonly step: 'again'; readonly afterMs: number }
  /** For the devices that the server named. */
  | { readonly step: 'seal-anew'; readonly difference: RosterDifference; readonly afterMs: number }
  | { readonly step: 'fail'; readonly code: ErrorCode }
  /** Time alone does not mend it: it waits for approval of a key, or for another connection. */
  | { readonly step: 'hold' };

const baseMs = 200;
const capMs = 10_000;

/** `failures`: how often in a row it failed before. `random` is in [0, 1). */
export function afterFailure(error: unknown, failures: number, random: number): AfterFailure {
  if (error instanceof DomainError) return afterRefusal(error, failures, random);
  const offline = error instanceof SdkError && error.code === 'offline';
  return offline ? { step: 'again', afterMs: backoff(failures, random) } : { step: 'hold' };
}

function afterRefusal(error: DomainError, failures: number, random: number): AfterFailure {
  const { code, detail, retryAfterMs } = error;
  if (code === 'roster_mismatch') {
    const difference = rosterDifference.safeParse(detail);
    if (!difference.success) return { step: 'fail', code };
    return { step: 'seal-anew', difference: difference.data, afterMs: failures < 2 ? 0 : backoff(failures, random) };
  }
  // The device's token, not the message: the keeper of the connection finds out whether it is over.
  if (code === 'unauthenticated') return { step: 'hold' };
  // A device that left between the roster and its keys. With the next try the roster is a fresh one.
  if (code === 'not_found') return { step: 'again', afterMs: backoff(failures, random) };
  return errorCodes[code].retryable ? { step: 'again', afterMs: retryAfterMs ?? backoff(failures, random) } : { step: 'fail', code };
}

/** At least half of min(10 s, 200 ms * 2^failures). */
function backoff(failures: number, random: number): number {
  return Math.min(capMs, baseMs * 2 ** Math.min(failures, 10)) * (0.5 + random / 2);
}
