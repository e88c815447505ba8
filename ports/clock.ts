/** Time, so that tests can move it. */
export interface Clock {
  nowMs(): number;
  /** Resolves after the time; rejects with the signal's reason if it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
