import { closeCodes } from '../../protocol/close-codes.js';

export interface ReconnectConfig {
  /** Full jitter: the n-th try in a row waits random(0, min(capMs, baseMs * 2^n)). */
  readonly baseMs: number;
  readonly capMs: number;
  /** After a server was lost, its devices come back spread over this long. */
  readonly spreadMs: number;
}

export const defaultReconnect: ReconnectConfig = { baseMs: 1_000, capMs: 30_000, spreadMs: 30_000 };

/** How a connection, or the attempt to make one, ended. */
export interface Ended {
  /** Close code; 1006 when there was no close frame, or no socket at all. */
  readonly code: number;
  /** It had a `welcome`. */
  readonly welcomed: boolean;
  /** Tries in a row before this one that did not last. */
  readonly failedTries: number;
  /** The token of the attempt was made for it, so a new one would not be better. */
  readonly freshToken: boolean;
  /** Slot of a `reconnect` frame. */
  readonly slotMs?: number | undefined;
  /** An error said not to come back earlier. */
  readonly retryAfterMs?: number | undefined;
}

export type NextStep =
  | { readonly step: 'stop' }
  /** `renewToken`: the one at hand was refused. */
  | { readonly step: 'reconnect'; readonly afterMs: number; readonly renewToken: boolean };

const lostServer = new Set([1001, 1006, 1012, closeCodes.goingAway.code]);

/** What a device does after a connection ended. `random` is in [0, 1). */
export function nextStep(ended: Ended, config: ReconnectConfig, random: number): NextStep {
  const { code, welcomed, failedTries, freshToken, slotMs, retryAfterMs } = ended;
  const refusedToken = code === closeCodes.unauthenticated.code || code === closeCodes.tokenExpired.code;
  if (refusedToken && !freshToken) return { step: 'reconnect', afterMs: welcomed ? 0 : backoff(failedTries, config, random), renewToken: true };
  if (isFinal(code)) return { step: 'stop' };
  if (slotMs !== undefined) return { step: 'reconnect', afterMs: slotMs, renewToken: false };
  const lost = welcomed && lostServer.has(code) && failedTries === 0;
  const afterMs = lost ? random * config.spreadMs : backoff(failedTries, config, random);
  return { step: 'reconnect', afterMs: Math.max(afterMs, retryAfterMs ?? 0), renewToken: refusedToken };
}

/** One device, one connection at a time: being displaced on it means that its number was not the newest, so a higher one is tried. */
function isFinal(code: number): boolean {
  return code >= 4500 && code <= 4599 && code !== closeCodes.displaced.code;
}

function backoff(failedTries: number, { baseMs, capMs }: ReconnectConfig, random: number): number {
  return random * Math.min(capMs, baseMs * 2 ** Math.min(failedTries, 30));
}
