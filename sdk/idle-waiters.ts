import { SdkError } from './sdk-error.js';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Those who wait until the server was told everything. */
export class IdleWaiters {
  readonly #waiters: Waiter[] = [];

  /** Throws SdkError `closed` if the device is closed before. */
  wait(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  idle(): void {
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  closed(): void {
    for (const { reject } of this.#waiters.splice(0)) reject(new SdkError('closed', 'the device was closed before the server was told everything'));
  }
}
