/** A token and when it ends. */
export interface IssuedToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

/** A token this close to its end is not used any more. */
const marginMs = 60_000;

/** The device's present token. One request at a time, however many ask. */
export class TokenSource {
  readonly #issue: () => Promise<IssuedToken>;
  #present: IssuedToken | undefined;
  #asking: Promise<IssuedToken> | undefined;

  constructor(issue: () => Promise<IssuedToken>) {
    this.#issue = issue;
  }

  /** A token with some life left. `fresh`: it was issued by this call. Throws what issuing throws. */
  async token(nowMs: number): Promise<IssuedToken & { readonly fresh: boolean }> {
    const present = this.#present;
    if (present !== undefined && present.expiresAtMs - nowMs > marginMs) return { ...present, fresh: false };
    return { ...(await this.renew()), fresh: true };
  }

  async renew(): Promise<IssuedToken> {
    this.#asking ??= this.#issue().finally(() => {
      this.#asking = undefined;
    });
    this.#present = await this.#asking;
    return this.#present;
  }

  /** The server refused it. */
  forget(): void {
    this.#present = undefined;
  }

  /** When to renew in place: at four fifths of what is left, and before the margin where there is that much. */
  renewAfterMs({ expiresAtMs }: IssuedToken, nowMs: number): number {
    const leftMs = Math.max(0, expiresAtMs - nowMs);
    return Math.min(leftMs * 0.8, Math.max(leftMs - marginMs, leftMs * 0.5));
  }
}
