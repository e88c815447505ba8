import { randomInt } from 'node:crypto';

import { IdentityKeyPair, KEMKeyPair, KyberPreKeyRecord, PreKeyRecord, PrivateKey, SignedPreKeyRecord } from '@signalapp/libsignal-client';

import { SdkError } from '../sdk-error.js';
import type { DeviceStore } from '../store/device-store.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { ecPrekeyTable, kemPrekeyTable, ownKeysTable, prekeyIdTable, signedPrekeyTable, type RotatingPrekey } from './key-tables.js';
import type { SignedPublicKey } from './sessions.js';
import { signalBytes } from './signal-bytes.js';
import { ownIdentityOf } from './signal-stores.js';

/** Public halves, as the server takes them. */
export interface PublicPrekeys {
  readonly signedPrekey: SignedPublicKey;
  readonly kemLastResort: SignedPublicKey;
  readonly ecPrekeys: readonly { readonly keyId: number; readonly publicKey: Uint8Array }[];
  readonly kemPrekeys: readonly SignedPublicKey[];
}

const fullSet = 100;
const dayMs = 24 * 3600 * 1000;
const rotationMs = 7 * dayMs;
const keptMs = 30 * dayMs;

/** A fresh identity and registration id. Only for a directory that has none. */
export function makeOwnKeys(unit: UnitOfWork): { readonly identityKey: Uint8Array; readonly registrationId: number } {
  const identity = IdentityKeyPair.generate();
  const registrationId = adoptIdentity(unit, identity.serialize());
  return { identityKey: identity.publicKey.serialize(), registrationId };
}

/** The identity of an account that this directory's device joins, with a registration id of its own, which is answered. */
export function adoptIdentity(unit: UnitOfWork, identityKeyPair: Uint8Array): number {
  const registrationId = randomInt(1, 0x3fff + 1);
  unit.put(ownKeysTable, ['own'], { identityKeyPair, registrationId });
  return registrationId;
}

/** The whole set of a new device, with so many one-time keys of each kind; private halves go into the unit. */
export function makePrekeys(unit: UnitOfWork, nowMs: number, oneTime = fullSet): PublicPrekeys {
  return { ...makeRotatingPrekeys(unit, nowMs), ecPrekeys: makeEcPrekeys(unit, oneTime), kemPrekeys: makeKemPrekeys(unit, nowMs, oneTime) };
}

export function makeRotatingPrekeys(unit: UnitOfWork, nowMs: number): Pick<PublicPrekeys, 'signedPrekey' | 'kemLastResort'> {
  const identity = ownIdentityOf(unit);
  const pair = PrivateKey.generate();
  const keyId = nextId(unit);
  const publicKey = pair.getPublicKey().serialize();
  const signature = identity.privateKey.sign(publicKey);
  unit.put(signedPrekeyTable, [keyId], {
    record: SignedPreKeyRecord.new(keyId, nowMs, pair.getPublicKey(), pair, signature).serialize(),
    createdAtMs: nowMs,
  });
  return { signedPrekey: { keyId, publicKey, signature }, kemLastResort: makeKemPrekey(unit, identity, nowMs, true) };
}

export function makeEcPrekeys(unit: UnitOfWork, count = fullSet): PublicPrekeys['ecPrekeys'] {
  return Array.from({ length: count }, () => {
    const pair = PrivateKey.generate();
    // Each call computes it.
    const publicKey = pair.getPublicKey();
    const keyId = nextId(unit);
    unit.put(ecPrekeyTable, [keyId], PreKeyRecord.new(keyId, publicKey, pair).serialize());
    return { keyId, publicKey: publicKey.serialize() };
  });
}

export function makeKemPrekeys(unit: UnitOfWork, nowMs: number, count = fullSet): PublicPrekeys['kemPrekeys'] {
  const identity = ownIdentityOf(unit);
  return Array.from({ length: count }, () => makeKemPrekey(unit, identity, nowMs, false));
}

/** Whether the newest signed prekey is older than a week. */
export function rotationIsDue(store: DeviceStore, nowMs: number): boolean {
  const newest = Math.max(0, ...store.range(signedPrekeyTable, []).map(({ row }) => row.createdAtMs));
  return nowMs - newest > rotationMs;
}

/** The newest signed and last-resort prekeys, as the server should have them. */
export function currentRotatingPrekeys(store: DeviceStore): Pick<PublicPrekeys, 'signedPrekey' | 'kemLastResort'> {
  const signed = newestOf(store.range(signedPrekeyTable, []));
  const lastResort = newestOf(store.range(kemPrekeyTable, []).filter(({ row }) => row.lastResort));
  if (signed === undefined || lastResort === undefined) throw new SdkError('not_registered', 'this device directory holds no prekeys');
  const ec = SignedPreKeyRecord.deserialize(signalBytes(signed.row.record));
  const kem = KyberPreKeyRecord.deserialize(signalBytes(lastResort.row.record));
  return {
    signedPrekey: { keyId: ec.id(), publicKey: ec.publicKey().serialize(), signature: ec.signature() },
    kemLastResort: { keyId: kem.id(), publicKey: kem.publicKey().serialize(), signature: kem.signature() },
  };
}

function newestOf(rows: Rotating): Rotating[number] | undefined {
  return [...rows].sort((one, other) => other.row.createdAtMs - one.row.createdAtMs)[0];
}

/** Signed and last-resort keys that were replaced over 30 days ago go: no message that names them is under way any more. */
export function dropOldPrekeys(store: DeviceStore, unit: UnitOfWork, nowMs: number): void {
  const lastResort = store.range(kemPrekeyTable, []).filter(({ row }) => row.lastResort);
  for (const { key } of replacedBefore(store.range(signedPrekeyTable, []), nowMs - keptMs)) unit.remove(signedPrekeyTable, ...key);
  for (const { key } of replacedBefore(lastResort, nowMs - keptMs)) unit.remove(kemPrekeyTable, ...key);
}

type Rotating = readonly { readonly key: readonly (string | number)[]; readonly row: RotatingPrekey }[];

/** A key is replaced when the next one is made. */
function replacedBefore(rows: Rotating, beforeMs: number): Rotating {
  const byAge = [...rows].sort((one, other) => one.row.createdAtMs - other.row.createdAtMs);
  return byAge.filter((_, index) => {
    const next = byAge[index + 1];
    return next !== undefined && next.row.createdAtMs < beforeMs;
  });
}

function makeKemPrekey(unit: UnitOfWork, identity: IdentityKeyPair, nowMs: number, lastResort: boolean): SignedPublicKey {
  const pair = KEMKeyPair.generate();
  const keyId = nextId(unit);
  const publicKey = pair.getPublicKey().serialize();
  const signature = identity.privateKey.sign(publicKey);
  unit.put(kemPrekeyTable, [keyId], { record: KyberPreKeyRecord.new(keyId, nowMs, pair, signature).serialize(), createdAtMs: nowMs, lastResort });
  return { keyId, publicKey, signature };
}

/** Ids are never used again, also not those of keys that were never uploaded. */
function nextId(unit: UnitOfWork): number {
  const id = unit.get(prekeyIdTable, 'next') ?? 1;
  unit.put(prekeyIdTable, ['next'], id + 1);
  return id;
}
