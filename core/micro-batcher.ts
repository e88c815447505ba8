import { DomainError } from '../protocol/errors.js';

export interface MicroBatcherOptions {
  /** What may wait besides the batch that is under way; above it `add` is refused with `unavailable`. */
  readonly maxWaiting: number;
  readonly maxBatch: number;
  readonly retryAfterMs: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Adaptive batching: a batch starts at once when none is under way, else everything that gathered meanwhile makes the next one.
 * So an idle system adds no delay, and a busy one pays once per batch. Results come back in the order of the items; a failed batch fails each of its items.
 */
export class MicroBatcher<Item, Result> {
  readonly #run: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #options: MicroBatcherOptions;
  readonly #waiting: Waiting<Item, Result>[] = [];
  #underWay = false;

  constructor(run: (items: readonly Item[]) => Promise<readonly Result[]>, options: MicroBatcherOptions) {
    this.#run = run;
    this.#options = options;
  }

  add(item: Item): Promise<Result> {
    const { maxWaiting, retryAfterMs } = this.#options;
    if (this.#waiting.length >= maxWaiting) {
      return Promise.reject(new DomainError('unavailable', `${maxWaiting} requests are waiting already`, { retryAfterMs }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#underWay) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#underWay = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#options.maxBatch);
      try {
        const results = await this.#run(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, index) => {
          resolve(results[index] as Result);
        });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#underWay = false;
  }
}
