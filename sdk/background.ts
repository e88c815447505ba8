import { SdkError } from './sdk-error.js';

/** Work that nobody awaits and that fails without harm: the next connection does it again. */
export class Background {
  readonly #running = new Set<Promise<void>>();
  readonly #onFailure: (error: unknown) => void;

  /** `onFailure` does not hear of a connection that was lost: whoever cares hears of that by the status. */
  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  run(work: Promise<unknown>): void {
    const done = work
      .then(
        () => undefined,
        (error: unknown) => {
          if (!(error instanceof SdkError && error.code === 'offline')) this.#onFailure(error);
        },
      )
      .finally(() => this.#running.delete(done));
    this.#running.add(done);
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
