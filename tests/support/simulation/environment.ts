import { DomainError } from '../../../protocol/errors.js';
import { seededRandom } from '../seeded-random.js';
import type { VirtualClock } from './virtual-clock.js';

/** A process of the simulated system: what a dead one still waits for is never answered. */
export interface Owner {
  dead: boolean;
  /** Cut from the registry alone. */
  cutFromRegistry: boolean;
}

/** Something that can be away. */
export interface Service {
  down: boolean;
  /** Stands still until this resolves: it then does what it was asked meanwhile, in order, also for those who wait no more. */
  frozen?: Promise<void> | undefined;
}

const givenUpAfterMs = 2_000;

/** Randomness and the cost of calls, the same for the same seed. */
export class Environment {
  readonly clock: VirtualClock;
  /** After this no call fails by chance. */
  readonly quietFromMs: number;
  readonly random: () => number;

  constructor(clock: VirtualClock, seed: number, quietFromMs: number) {
    this.clock = clock;
    this.quietFromMs = quietFromMs;
    this.random = seededRandom(seed);
  }

  between(low: number, high: number): number {
    return low + this.random() * (high - low);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** Mostly inside the bounds, now and then up to ten times slower. */
  latency(low: number, high: number): number {
    return this.chance(0.05) ? this.between(high, high * 10) : this.between(low, high);
  }

  /** A call over a network: takes time both ways, fails when the service is away, hangs for ever when the caller died. */
  async call<T>(owner: Owner, service: Service, work: () => T | Promise<T>): Promise<T> {
    await this.clock.sleep(this.latency(1, 8));
    if (owner.dead) return new Promise<never>(() => undefined);
    const failed = service.down || (this.clock.nowMs() < this.quietFromMs && this.chance(0.003));
    if (failed) {
      await this.clock.sleep(500);
      if (owner.dead) return new Promise<never>(() => undefined);
      throw new DomainError('unavailable', 'simulated outage');
    }
    const result = service.frozen === undefined ? await work() : await this.#inTime(service.frozen.then(work));
    await this.clock.sleep(this.latency(1, 8));
    if (owner.dead) return new Promise<never>(() => undefined);
    return result;
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    const givenUp = this.clock.sleep(givenUpAfterMs).then(() => {
      throw new DomainError('unavailable', 'simulated time-out');
    });
    return Promise.race([answer, givenUp]);
  }
}
