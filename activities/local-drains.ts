import { setMaxListeners } from 'node:events';

import type { DeviceAddress } from '../protocol/ids.js';
import type { InboxDrainDependencies } from './drain-device.js';
import { drainLocally, type Turn } from './drain-locally.js';

export interface LocalDrainsDependencies extends InboxDrainDependencies {
  /** The gateway whose process this is. */
  readonly gatewayId: string;
  /** Devices that are drained at a time; more wait for their turn. */
  readonly maxConcurrentDevices: number;
}

/** Drains in the gateway's own process, for sessions that no workflow drains. */
export class LocalDrains {
  readonly #dependencies: LocalDrainsDependencies;
  readonly #stop = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  readonly #queue: (() => void)[] = [];
  #free: number;

  constructor(dependencies: LocalDrainsDependencies) {
    this.#dependencies = dependencies;
    this.#free = dependencies.maxConcurrentDevices;
    setMaxListeners(0, this.#stop.signal);
  }

  /** Begins in the background, and ends when the device needs no further round or has a newer drain. */
  drain(device: DeviceAddress, token: number): void {
    const { signal } = this.#stop;
    if (signal.aborted) return;
    const target = { gatewayId: this.#dependencies.gatewayId, request: { device, token } };
    const drain = drainLocally(this.#dependencies, target, signal, this.#inTurn)
      .catch((error: unknown) => {
        if (!signal.aborted) this.#dependencies.events.attemptFailed(device, error);
      })
      .finally(() => this.#underWay.delete(drain));
    this.#underWay.add(drain);
  }

  /** Calls all drains off and resolves when they have stopped. */
  async close(): Promise<void> {
    this.#stop.abort();
    for (const begin of this.#queue.splice(0)) begin();
    await Promise.all(this.#underWay);
  }

  readonly #inTurn: Turn = async (attempt) => {
    await this.#place();
    try {
      this.#stop.signal.throwIfAborted();
      return await attempt();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  };
  /** Resolves when one of the places is ours. */
  #place(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((begin) => {
      this.#queue.push(begin);
    });
  }
}
