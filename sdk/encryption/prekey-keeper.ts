import { DomainError } from '../../protocol/errors.js';
import { limits } from '../../protocol/limits.js';
import { prekeyDigest } from '../../protocol/rest/prekey.js';
import type { RestClient } from '../rest/rest-client.js';
import type { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { DeviceStore } from '../store/device-store.js';
import { currentRotatingPrekeys, dropOldPrekeys, makeEcPrekeys, makeKemPrekeys, makeRotatingPrekeys, rotationIsDue } from './prekeys.js';
import { ownIdentityOf } from './signal-stores.js';

/** Used keys after which the server is asked how many are left. */
const askAfterUsed = 25;
const askEveryMs = 6 * 3600 * 1000;
const checkEveryMs = 24 * 3600 * 1000;

export interface PrekeyKeeperDependencies {
  readonly store: DeviceStore;
  readonly rest: RestClient;
  /** Of everything that touches Signal state. */
  readonly signal: SerialQueue;
  /** Of work that nobody awaits, and that fails without harm. */
  readonly inBackground: (work: Promise<unknown>) => void;
}

/** Looks after the device's prekeys while it is connected: at once, every six hours, when the server says that few are left, and when others began many sessions with it. */
export class PrekeyKeeper {
  readonly #dependencies: PrekeyKeeperDependencies;
  #used = 0;
  #timer: NodeJS.Timeout | undefined;
  #present: Promise<void> | undefined;
  #again = false;
  /** When the server last had the rotating prekeys that this device has. Not kept: after a start it is asked. */
  #checkedAtMs: number | undefined;

  constructor(dependencies: PrekeyKeeperDependencies) {
    this.#dependencies = dependencies;
  }

  connected(): void {
    this.disconnected();
    this.#timer = setInterval(() => {
      this.#keep();
    }, askEveryMs);
    this.#keep();
  }

  disconnected(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#again = false;
  }

  /** So many one-time keys were used up. */
  used(count: number): void {
    this.#used += count;
    if (this.#used >= askAfterUsed) this.#keep();
  }

  /** Few of them are left at the server. */
  low(): void {
    this.#keep();
  }

  /** Refills one-time prekeys, rotates the others weekly, and uploads again what the server does not have. Throws what the server refuses, SdkError `offline`. */
  async keep(nowMs: number): Promise<void> {
    const { store, rest, signal } = this.#dependencies;
    const { ec, kem } = await rest.call('countPrekeys', {});
    const made = await changeInTurn({ store, signal }, (unit) => {
      const ecPrekeys = ec < limits.prekeysLow ? makeEcPrekeys(unit) : [];
      const kemPrekeys = kem < limits.prekeysLow ? makeKemPrekeys(unit, nowMs) : [];
      if (rotationIsDue(store, nowMs)) {
        makeRotatingPrekeys(unit, nowMs);
        this.#checkedAtMs = undefined;
      }
      dropOldPrekeys(store, unit, nowMs);
      return { ecPrekeys: [...ecPrekeys], kemPrekeys: [...kemPrekeys] };
    });
    if (made.ecPrekeys.length + made.kemPrekeys.length > 0) await rest.call('uploadPrekeys', { body: made });
    if (this.#checkedAtMs !== undefined && nowMs - this.#checkedAtMs < checkEveryMs) return;
    await makeServerAgree({ store, rest });
    this.#checkedAtMs = nowMs;
  }

  /** Once more if it is under way: it may have counted before. */
  #keep(): void {
    if (this.#present !== undefined) {
      this.#again = true;
      return;
    }
    this.#used = 0;
    this.#present = this.keep(Date.now()).finally(() => {
      this.#present = undefined;
      if (this.#again) {
        this.#again = false;
        this.#keep();
      }
    });
    this.#dependencies.inBackground(this.#present);
  }
}

/** A rotation whose upload was cut off is made good here. */
async function makeServerAgree({ store, rest }: Pick<PrekeyKeeperDependencies, 'store' | 'rest'>): Promise<void> {
  const current = currentRotatingPrekeys(store);
  const digest = prekeyDigest({ identityKey: ownIdentityOf(store).publicKey.serialize(), ...current });
  try {
    await rest.call('checkPrekeys', { body: { digest } });
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'conflict') throw error;
    await rest.call('uploadPrekeys', { body: current });
  }
}
