import { DomainError } from '../../protocol/errors.js';
import { prekeyDigest } from '../../protocol/rest/prekey.js';
import type { RestClient } from '../rest/rest-client.js';
import type { SerialQueue } from '../serial-queue.js';
import type { DeviceStore } from '../store/device-store.js';
import { currentRotatingPrekeys, dropOldPrekeys, makeEcPrekeys, makeKemPrekeys, makeRotatingPrekeys, rotationIsDue } from './prekeys.js';
import { ownIdentityOf } from './signal-stores.js';

/** Below this many one-time keys at the server new ones are made. */
const refillBelow = 20;

export interface PrekeyKeeperDependencies {
  readonly store: DeviceStore;
  readonly rest: RestClient;
  /** Of everything that touches Signal state. */
  readonly signal: SerialQueue;
}

/** After a connection came up: refills one-time prekeys, rotates the others weekly, and uploads again what the server does not have. Throws what the server refuses, SdkError `offline`. */
export async function keepPrekeys({ store, rest, signal }: PrekeyKeeperDependencies, nowMs: number): Promise<void> {
  const { ec, kem } = await rest.call('countPrekeys', {});
  const made = await signal.run(async () => {
    const unit = store.begin();
    const ecPrekeys = ec < refillBelow ? makeEcPrekeys(unit) : [];
    const kemPrekeys = kem < refillBelow ? makeKemPrekeys(unit, nowMs) : [];
    if (rotationIsDue(store, nowMs)) makeRotatingPrekeys(unit, nowMs);
    dropOldPrekeys(store, unit, nowMs);
    await unit.commit();
    return { ecPrekeys: [...ecPrekeys], kemPrekeys: [...kemPrekeys] };
  });
  if (made.ecPrekeys.length + made.kemPrekeys.length > 0) await rest.call('uploadPrekeys', { body: made });
  const current = currentRotatingPrekeys(store);
  const digest = prekeyDigest({ identityKey: ownIdentityOf(store).publicKey.serialize(), ...current });
  try {
    await rest.call('checkPrekeys', { body: { digest } });
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'conflict') throw error;
    await rest.call('uploadPrekeys', { body: current });
  }
}
