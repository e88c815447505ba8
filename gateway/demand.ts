/** Whether anybody wants something done, for who would otherwise look for it again and again. */
export class Demand {
  #isThere = false;
  #appears: (() => void) | undefined;

  set(isThere: boolean): void {
    this.#isThere = isThere;
    if (isThere) this.#appears?.();
  }

  /** Resolves when there is some, or the signal says so. One may wait at a time. */
  async appears(signal: AbortSignal): Promise<void> {
    if (this.#isThere || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const appears = () => {
        signal.removeEventListener('abort', appears);
        this.#appears = undefined;
        resolve();
      };
      this.#appears = appears;
      signal.addEventListener('abort', appears);
    });
  }
}
