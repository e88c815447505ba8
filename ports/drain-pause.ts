/**
 * Whether an operator holds all drains back. Expiry: by itself; may be forgotten before that, if the store comes back empty.
 * Throws DomainError `unavailable` when the store is away.
 */
export interface DrainPause {
  /** How long it still lasts, in ms; 0: there is none. */
  leftMs(): Promise<number>;
  /** Begins one, or makes the one that runs end then; 0 ends it. */
  set(lastsMs: number): Promise<void>;
}
