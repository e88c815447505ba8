import type { Clock } from '../../ports/clock.js';
import { limits } from '../../protocol/limits.js';
import { runTurns } from '../run-turns.js';
import type { Connection } from './connection.js';
import { HeartbeatWheel, wheelTurnMs } from './heartbeat-wheel.js';

const leastWaitMs = 10;
/** The first one may come at once. */
const turnsUntilHello = 1 + limits.helloTimeoutMs / wheelTurnMs;

/** Every open socket of the gateway, and the one timer that lets them time out. */
export class Sockets {
  readonly #clock: Clock;
  readonly #wheel = new HeartbeatWheel();
  readonly #open = new Set<Connection>();
  /** In the order of their arrival, with the turn of the wheel until which hello must have come: in a gateway that stands still no time passes, and it reads what came before the next turn. */
  readonly #ungreeted = new Map<Connection, number>();
  #turns = 0;
  #emptied: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#open.size;
  }

  add(connection: Connection): void {
    this.#open.add(connection);
    this.#ungreeted.set(connection, this.#turns + turnsUntilHello);
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

  run(signal: AbortSignal): Promise<void> {
    return runTurns({ clock: this.#clock, everyMs: wheelTurnMs, signal }, () => {
      this.#wheel.turn(this.#clock.nowMs());
      this.#turns += 1;
      for (const [connection, untilTurn] of this.#ungreeted) {
        if (untilTurn > this.#turns) break;
        this.#ungreeted.delete(connection);
        connection.helloTimedOut();
      }
    });
  }

  /** Sends everybody away, spread over the time, so that those who take them in are not flooded. */
  async sendAway(overMs: number): Promise<void> {
    const leaving = [...this.#open];
    const startMs = this.#clock.nowMs();
    for (const [index, connection] of leaving.entries()) {
      const dueMs = startMs + (overMs * index) / leaving.length;
      const waitMs = dueMs - this.#clock.nowMs();
      if (waitMs >= leastWaitMs) await this.#clock.sleep(waitMs);
      connection.sendAway();
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
