import { DomainError } from '../../protocol/errors.js';
import type { AccountId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import { SdkError } from '../sdk-error.js';
import type { Connection } from '../transport/connection.js';
import { untilDone } from '../until-done.js';

/** Whether somebody is online; `lastSeenMs` is when they went, by the server's clock, if they show it. */
export type PresenceNews = Omit<Extract<ServerFrame, { type: 'presence' }>, 'type'>;

/** Whom this device watches, on every connection anew. */
export class WatchList {
  readonly #wanted = new Set<AccountId>();
  #connection: Connection | undefined;
  #waiting = new AbortController();

  /** Throws what the server refuses for good. */
  async connected(connection: Connection): Promise<void> {
    this.#connection = connection;
    await untilDone(async () => {
      if (this.#wanted.size > 0) await connection.request({ type: 'watch', accounts: [...this.#wanted] });
    }, this.#waiting.signal);
  }

  disconnected(): void {
    this.#connection = undefined;
    this.#waiting.abort();
    this.#waiting = new AbortController();
  }

  /** Without a connection it begins with the next one. Throws DomainError `too_large` and what else the server refuses. */
  async watch(accounts: readonly AccountId[]): Promise<void> {
    const fresh = accounts.filter((accountId) => !this.#wanted.has(accountId));
    if (this.#wanted.size + new Set(fresh).size > limits.maxWatches) {
      throw new DomainError('too_large', `accounts: a device watches at most ${limits.maxWatches}`, { detail: { limit: limits.maxWatches } });
    }
    for (const accountId of fresh) this.#wanted.add(accountId);
    try {
      await this.#ask('watch', accounts);
    } catch (error) {
      for (const accountId of fresh) this.#wanted.delete(accountId);
      throw error;
    }
  }

  async unwatch(accounts: readonly AccountId[]): Promise<void> {
    for (const accountId of accounts) this.#wanted.delete(accountId);
    await this.#ask('unwatch', accounts);
  }

  /** A connection that breaks is followed by one on which it is asked again. */
  async #ask(type: 'watch' | 'unwatch', accounts: readonly AccountId[]): Promise<void> {
    if (accounts.length === 0) return;
    try {
      await this.#connection?.request({ type, accounts: [...accounts] });
    } catch (error) {
      if (!(error instanceof SdkError && error.code === 'offline')) throw error;
    }
  }
}
