import type { Logger } from 'pino';

const stepTimeoutMs = 10_000;

/** What was opened is closed in reverse order; a step that fails or hangs is logged and passed over. */
export class Closer {
  readonly #steps: { readonly name: string; readonly close: () => unknown; readonly timeoutMs: number }[] = [];
  readonly #logger: Logger;
  #closing: Promise<void> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(name: string, close: () => unknown, timeoutMs = stepTimeoutMs): void {
    this.#steps.push({ name, close, timeoutMs });
  }

  /** Only the first call closes; every call waits for it. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      const { name, close, timeoutMs } = step;
      try {
        await within(timeoutMs, name, Promise.resolve(close()));
        this.#logger.debug({ step: name }, 'closed');
      } catch (error) {
        this.#logger.error({ step: name, err: error }, 'could not be closed');
      }
    }
  }
}

async function within(ms: number, name: string, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${name} was not closed in ${ms} ms`));
    }, ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
