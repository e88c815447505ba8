import { setTimeout as sleep } from 'node:timers/promises';

import { eventually } from './eventually.js';
import { findDeliveryFaults } from './find-delivery-faults.js';
import { PlainPair } from './plain-pair.js';

const reconnectMs = 100;

interface Addresses {
  readonly publicUrl: string;
  readonly socketUrl: string;
}

/** Pairs that talk all the time, both ways, and come back whenever they lose their connection. */
export class ConversationLoad {
  readonly #server: Addresses;
  readonly #pairs: readonly PlainPair[];
  readonly #everyMs: number;
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  private constructor(server: Addresses, pairs: readonly PlainPair[], everyMs: number) {
    this.#server = server;
    this.#pairs = pairs;
    this.#everyMs = everyMs;
  }

  /** `everyMs`: between two messages of one device. */
  static async start(server: Addresses, options: { readonly pairs: number; readonly everyMs: number }): Promise<ConversationLoad> {
    const load = new ConversationLoad(server, await PlainPair.register(server.publicUrl, options.pairs), options.everyMs);
    await Promise.all(load.#pairs.map((pair) => pair.connect(server.socketUrl)));
    load.#running = Promise.all(load.#pairs.flatMap((pair) => [load.#talk(pair), load.#stayConnected(pair)]));
    return load;
  }

  get accepted(): number {
    return this.#devices().reduce((sum, { accepted }) => sum + accepted.size, 0);
  }

  get duplicates(): number {
    return this.#devices().reduce((sum, { duplicates }) => sum + duplicates, 0);
  }

  /** Longest time that any message waited for its `accepted`, in ms, since this was last asked. */
  takeLongestWaitMs(): number {
    return Math.max(...this.#devices().map((device) => device.takeLongestWaitMs()));
  }

  /** Says no more. Resolves when every promise holds for everything that was said; throws what is broken after the time. */
  async settle(timeoutMs: number): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await eventually(async () => {
      await this.#connectAll();
      const faults = await Promise.all(
        this.#pairs.map(async (pair) => [...pair.earlyReceipts, ...findDeliveryFaults(await pair.record(this.#server))]),
      );
      const states = this.#devices().map(({ unaccepted, caughtUp, troubles }) => ({ unaccepted, caughtUp, troubles }));
      const settled = states.map(() => ({ unaccepted: 0, caughtUp: true, troubles: [] }));
      if (JSON.stringify([states, faults.flat()]) !== JSON.stringify([settled, []]))
        throw new Error(JSON.stringify([states, faults.flat().slice(0, 10)]));
    }, timeoutMs);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await Promise.all(this.#pairs.map((pair) => pair.close()));
  }

  #devices() {
    return this.#pairs.flatMap(({ devices }) => devices);
  }

  async #talk(pair: PlainPair): Promise<void> {
    while (!this.#stop.signal.aborted) {
      pair.send(0);
      pair.send(1);
      await sleep(this.#everyMs);
    }
  }

  async #stayConnected(pair: PlainPair): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await pair.connect(this.#server.socketUrl).catch(() => undefined);
      await sleep(reconnectMs);
    }
  }

  #connectAll(): Promise<unknown> {
    return Promise.all(this.#pairs.map((pair) => pair.connect(this.#server.socketUrl)));
  }
}
