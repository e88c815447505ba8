import { limits } from '../../protocol/limits.js';

const slotMs = 1_000;
const slots = limits.heartbeatMs / slotMs;
const slotsToPong = limits.pongTimeoutMs / slotMs;

export interface Beating {
  /** Sends a ping; whatever the peer sends from now on counts as its answer. */
  beat(nowMs: number): void;
  /** Whether anything came since `beat`. */
  answered(): boolean;
  /** It did not. */
  missed(): void;
}

/** One timer for all sockets: each sits in one of 25 slots, a slot a second. Pinged when its slot comes round, looked at again 10 slots later. */
export class HeartbeatWheel {
  readonly #slots: Set<Beating>[] = Array.from({ length: slots }, () => new Set<Beating>());
  readonly #slotOf = new Map<Beating, Set<Beating>>();
  #next = 0;
  #turn = 0;

  add(socket: Beating): void {
    const slot = this.#slotAt(this.#next);
    this.#next += 1;
    slot.add(socket);
    this.#slotOf.set(socket, slot);
  }

  remove(socket: Beating): void {
    this.#slotOf.get(socket)?.delete(socket);
    this.#slotOf.delete(socket);
  }

  /** Once a second. */
  turn(nowMs: number): void {
    for (const socket of [...this.#slotAt(this.#turn - slotsToPong)]) if (!socket.answered()) socket.missed();
    for (const socket of this.#slotAt(this.#turn)) socket.beat(nowMs);
    this.#turn += 1;
  }

  #slotAt(index: number): Set<Beating> {
    return this.#slots[((index % slots) + slots) % slots] as Set<Beating>;
  }
}

/** How often `turn` is to be called. */
export const wheelTurnMs = slotMs;
