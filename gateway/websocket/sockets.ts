import type { Clock } from '../../ports/clock.js';
import { limits } from '../../protocol/limits.js';
import type { Connection } from './connection.js';
import { HeartbeatWheel, wheelTurnMs } from './heartbeat-wheel.js';

/** Every open socket of the gateway, and the one timer that lets them time out. */
export class Sockets {
  readonly #clock: Clock;
  readonly #wheel = new HeartbeatWheel();
  readonly #open = new Set<Connection>();
  /** In the order of their arrival, with the time until which hello must have come. */
  readonly #ungreeted = new Map<Connection, number>();
  #emptied: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#open.size;
  }

  add(connection: Connection): void {
    this.#open.add(connection);
    this.#ungreeted.set(connection, this.#clock.nowMs() + limits.helloTimeoutMs);
  }

  greeted(connection: Connection): void {
    this.#ungreeted.delete(connection);
    this.#wheel.add(connection);
  }

  left(connection: Connection): void {
    this.#open.delete(connection);
    this.#ungreeted.delete(connection);
    this.#wheel.remove(connection);
    if (this.#open.size === 0) this.#emptied?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(wheelTurnMs, signal).catch(() => undefined);
      const nowMs = this.#clock.nowMs();
      this.#wheel.turn(nowMs);
      for (const [connection, untilMs] of this.#ungreeted) {
        if (untilMs > nowMs) break;
        this.#ungreeted.delete(connection);
        connection.helloTimedOut();
      }
    }
  }

  closeAll(): void {
    for (const connection of this.#open) connection.goAway();
  }

  /** Resolves when all are closed; those that do not answer the close in time are cut. */
  async gone(graceMs: number): Promise<void> {
    if (this.#open.size === 0) return;
    const timer = setTimeout(() => {
      for (const connection of [...this.#open]) connection.cut();
    }, graceMs);
    await new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    clearTimeout(timer);
  }
}
