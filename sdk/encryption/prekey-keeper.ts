import { DomainError } from '../../protocol/errors.js';
import { prekeyDigest } from '../../protocol/rest/prekey.js';
import type { RestClient } from '../rest/rest-client.js';
import type { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { DeviceStore } from '../store/device-store.js';
import { table } from '../store/table.js';
import { currentRotatingPrekeys, dropOldPrekeys, makeEcPrekeys, makeKemPrekeys, makeRotatingPrekeys, rotationIsDue } from './prekeys.js';
import { ownIdentityOf } from './signal-stores.js';

/** Below this many one-time keys at the server new ones are made. */
const refillBelow = 20;
/** Used keys after which the server is asked how many are left. */
const askAfterUsed = 25;
const askEveryMs = 6 * 3600 * 1000;
const checkEveryMs = 24 * 3600 * 1000;

/** Key: `own`. When the server last had the rotating prekeys that this device has. */
const checkedTable = table<number>('prekeys.checked');

export interface PrekeyKeeperDependencies {
  readonly store: DeviceStore;
  readonly rest: RestClient;
  /** Of everything that touches Signal state. */
  readonly signal: SerialQueue;
  /** Of work that nobody awaits, and that fails without harm. */
  readonly inBackground: (work: Promise<unknown>) => void;
}

/** Looks after the device's prekeys while it is connected: at once, every six hours, and when others began many sessions with it. */
export class PrekeyKeeper {
  readonly #dependencies: PrekeyKeeperDependencies;
  #used = 0;
  #timer: NodeJS.Timeout | undefined;
  #present: Promise<void> | undefined;

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
  }

  /** So many one-time keys were used up. */
  used(count: number): void {
    this.#used += count;
    if (this.#used >= askAfterUsed) this.#keep();
  }

  #keep(): void {
    if (this.#present !== undefined) return;
    this.#used = 0;
    this.#present = keepPrekeys(this.#dependencies, Date.now()).finally(() => {
      this.#present = undefined;
    });
    this.#dependencies.inBackground(this.#present);
  }
}

/** Refills one-time prekeys, rotates the others weekly, and uploads again what the server does not have. Throws what the server refuses, SdkError `offline`. */
export async function keepPrekeys({ store, rest, signal }: Omit<PrekeyKeeperDependencies, 'inBackground'>, nowMs: number): Promise<void> {
  const { ec, kem } = await rest.call('countPrekeys', {});
  const made = await changeInTurn({ store, signal }, (unit) => {
    const ecPrekeys = ec < refillBelow ? makeEcPrekeys(unit) : [];
    const kemPrekeys = kem < refillBelow ? makeKemPrekeys(unit, nowMs) : [];
    if (rotationIsDue(store, nowMs)) {
      makeRotatingPrekeys(unit, nowMs);
      unit.remove(checkedTable, 'own');
    }
    dropOldPrekeys(store, unit, nowMs);
    return { ecPrekeys: [...ecPrekeys], kemPrekeys: [...kemPrekeys] };
  });
  if (made.ecPrekeys.length + made.kemPrekeys.length > 0) await rest.call('uploadPrekeys', { body: made });
  const checkedAtMs = store.get(checkedTable, 'own');
  if (checkedAtMs !== undefined && nowMs - checkedAtMs < checkEveryMs) return;
  await makeServerAgree({ store, rest });
  const unit = store.begin();
  unit.put(checkedTable, ['own'], nowMs);
  await unit.commit();
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
