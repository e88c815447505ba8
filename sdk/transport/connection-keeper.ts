import { setTimeout as sleep } from 'node:timers/promises';

import { closeCodes } from '../../protocol/close-codes.js';
import { DomainError } from '../../protocol/errors.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import { SdkError } from '../sdk-error.js';
import { Connection, type Closed, type ConnectionConfig } from './connection.js';
import type { ConnectionStatus } from './connection-status.js';
import { nextStep, type Ended, type ReconnectConfig } from './reconnect-rules.js';
import type { IssuedToken, TokenSource } from './token-source.js';

export interface KeeperDependencies {
  readonly url: string;
  readonly device: { readonly name: string; readonly version: string };
  readonly tokens: TokenSource;
  /** Raises and keeps the device's connection number. */
  readonly nextConnectionNumber: () => Promise<number>;
  readonly reconnect: ReconnectConfig;
  readonly connection: ConnectionConfig;
  readonly onStatus: (status: ConnectionStatus) => void;
  /** A welcome came: requests may be made on the connection. */
  readonly onOpen: (connection: Connection) => void;
  readonly onFrame: (connection: Connection, frame: ServerFrame) => void;
}

/** A connection that lasted this long ends a row of failed tries. */
const lastingMs = 10_000;
const renewalRetryMs = 30_000;

/** Keeps a device connected, one connection at a time, from `run` until its signal aborts or the server ends it for good. */
export class ConnectionKeeper {
  readonly #dependencies: KeeperDependencies;
  #failedTries = 0;
  /** Of the turn that the server gave for the next try. */
  #ticket: string | undefined;
  #retryNow: AbortController | undefined;

  constructor(dependencies: KeeperDependencies) {
    this.#dependencies = dependencies;
  }

  /** Resolves when the signal aborts; throws SdkError `stopped` when the server ended it. */
  async run(signal: AbortSignal): Promise<void> {
    const { onStatus, reconnect, tokens } = this.#dependencies;
    const isOver = () => signal.aborted;
    do {
      onStatus({ state: 'connecting' });
      const ended = await this.#once(signal);
      if (isOver()) break;
      const next = nextStep(ended, reconnect, Math.random());
      if (next.step === 'stop') {
        onStatus({ state: 'offline', reason: ended.reason, final: true });
        throw new SdkError('stopped', ended.reason);
      }
      if (next.renewToken) tokens.forget();
      onStatus({ state: 'offline', reason: ended.reason, retryInMs: next.afterMs, final: false });
      await this.#pause(next.afterMs, signal);
    } while (!isOver());
    onStatus({ state: 'offline', reason: 'closed by the app', final: true });
  }

  /** Ends a wait between two tries: the network is back, or somebody looks at the screen. */
  retryNow(): void {
    this.#retryNow?.abort();
  }

  async #once(signal: AbortSignal): Promise<Ended & { readonly reason: string }> {
    let freshToken = false;
    const failedTries = this.#failedTries;
    this.#failedTries += 1;
    try {
      const issued = await this.#dependencies.tokens.token(Date.now());
      freshToken = issued.fresh;
      const { closed, welcomed, lasted } = await this.#connection(issued, signal);
      if (lasted) this.#failedTries = 0;
      // Until it is let in, a turn that it has is its own.
      if (welcomed || closed.slot !== undefined) this.#ticket = closed.slot?.ticket;
      return {
        code: closed.code,
        welcomed,
        failedTries: welcomed && lasted ? 0 : failedTries,
        freshToken,
        slotMs: closed.slot?.afterMs,
        retryAfterMs: closed.error?.retryAfterMs,
        reason: reasonOf(closed),
      };
    } catch (error) {
      return { ...endedBy(error), welcomed: false, failedTries, freshToken };
    }
  }

  async #connection(issued: IssuedToken, signal: AbortSignal) {
    const { url, device, connection: config, nextConnectionNumber, onFrame, onOpen } = this.#dependencies;
    const number = await nextConnectionNumber();
    const connection: Connection = await Connection.open({ url, config, signal }, (frame) => {
      this.#noteState(frame);
      onFrame(connection, frame);
    });
    const close = () => void connection.close();
    signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) close();
    let welcomedAtMs: number | undefined;
    const renewal = new AbortController();
    try {
      const ticket = this.#ticket === undefined ? {} : { ticket: this.#ticket };
      await connection.hello({ token: issued.token, connection: number, device, ...ticket }, (welcome) => {
        welcomedAtMs = performance.now();
        this.#dependencies.onStatus({ state: welcome.inbox === 'empty' ? 'online' : 'draining' });
        onOpen(connection);
      });
      this.#renewInPlace(connection, issued, renewal.signal);
    } catch {
      // `closed` tells why.
    }
    const closed = await connection.closed;
    renewal.abort();
    signal.removeEventListener('abort', close);
    const lasted = welcomedAtMs !== undefined && performance.now() - welcomedAtMs >= lastingMs;
    return { closed, welcomed: welcomedAtMs !== undefined, lasted };
  }

  #noteState(frame: ServerFrame): void {
    if (frame.type === 'inbox.empty') this.#dependencies.onStatus({ state: 'online' });
  }

  /** So that no connection ends for a token. If it fails until the end, the server closes 4001. */
  #renewInPlace(connection: Connection, issued: IssuedToken, signal: AbortSignal): void {
    const { tokens } = this.#dependencies;
    const renew = async (): Promise<void> => {
      let afterMs = tokens.renewAfterMs(issued, Date.now());
      while (!signal.aborted) {
        await sleep(afterMs, undefined, { signal });
        try {
          const next = await tokens.renew();
          await connection.request({ type: 'token', token: next.token });
          afterMs = tokens.renewAfterMs(next, Date.now());
        } catch {
          afterMs = renewalRetryMs;
        }
      }
    };
    // Only the abort of its sleep ends it.
    renew().catch(() => undefined);
  }

  async #pause(afterMs: number, signal: AbortSignal): Promise<void> {
    const wake = new AbortController();
    this.#retryNow = wake;
    try {
      await sleep(afterMs, undefined, { signal: AbortSignal.any([signal, wake.signal]) });
    } catch {
      // Woken early.
    }
    this.#retryNow = undefined;
  }
}

function reasonOf({ code, reason, error }: Closed): string {
  const known = Object.values(closeCodes).find((meaning) => meaning.code === code)?.meaning;
  const words = error?.message ?? known ?? (reason === '' ? 'the connection broke' : reason);
  return known === undefined ? words : `${words} (${code})`;
}

/** No connection was made. */
function endedBy(error: unknown): { readonly code: number; readonly retryAfterMs?: number | undefined; readonly reason: string } {
  if (error instanceof DomainError) {
    const refused = error.code === 'unauthenticated' || error.code === 'not_found' || error.code === 'gone';
    return { code: refused ? closeCodes.deviceUnlinked.code : 1006, retryAfterMs: error.retryAfterMs, reason: error.message };
  }
  // Whatever it is (the page of a hotel's network instead of an answer, a full disk), it may pass.
  return { code: 1006, reason: error instanceof Error ? error.message : 'no connection could be made' };
}
