/** Whether an account is online; when it was last is not always known. */
export interface PresenceView {
  readonly online: boolean;
  readonly lastSeenMs?: number | undefined;
}

/** A device that comes back within it was never away to others. */
const graceMs = 5_000;

/**
 * What is known of one account from signs of its devices. Unknown until the first look; online as soon as there is a device; offline only when no device was found 5 s after one left, or after
 * a look first found none.
 */
export class KnownPresence {
  #view: PresenceView | undefined;
  #goneSinceMs: number | undefined;

  get view(): PresenceView | undefined {
    return this.#view;
  }

  /** A device came, or was found. Answers whether that is news. */
  here(): boolean {
    this.#goneSinceMs = undefined;
    if (this.#view?.online === true) return false;
    this.#view = { online: true };
    return true;
  }

  /** A device left. Answers when it is to be looked for others, if that matters. */
  leaving(nowMs: number): number | undefined {
    if (this.#view?.online !== true) return undefined;
    this.#goneSinceMs ??= nowMs;
    return this.#goneSinceMs + graceMs;
  }

  /** A look found no device; `lastSeenMs` is what is stored. Answers whether that is news, or when to look again before anybody is told. */
  gone(nowMs: number, lastSeenMs: number | undefined): boolean | { readonly againAtMs: number } {
    if (this.#view?.online === false) return false;
    const againAtMs = this.leaving(nowMs);
    if (againAtMs !== undefined && nowMs < againAtMs) return { againAtMs };
    const latestMs = Math.max(lastSeenMs ?? 0, this.#goneSinceMs ?? 0);
    this.#view = { online: false, ...(latestMs === 0 ? {} : { lastSeenMs: latestMs }) };
    this.#goneSinceMs = undefined;
    return true;
  }
}
