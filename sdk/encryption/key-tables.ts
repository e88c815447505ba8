import { table } from '../store/table.js';

/** Everything the Signal protocol keeps. Keys: see each table. */

/** Key: `account.device`. A libsignal session record. */
export const sessionTable = table<Uint8Array>('session');

/** Key: `account.device`, distribution id. A libsignal sender key record: one's own, or what a member of a group gave out. */
export const senderKeyTable = table<Uint8Array>('sender-key');

export interface PeerIdentity {
  /** 33 bytes, as serialized by libsignal. One identity key for all devices of an account. */
  readonly key: Uint8Array;
  /** The user compared the safety number with this key. */
  readonly verified: boolean;
  /** The key changed after it was verified: sending waits for approval. */
  readonly held: boolean;
}
/** Key: account id. */
export const identityTable = table<PeerIdentity>('identity');

/** Key: `all`. How often an account came with another identity key than before. */
export const identityChangesTable = table<number>('identity-changes');

/** Key: key id. A one-time EC prekey record; gone once used. */
export const ecPrekeyTable = table<Uint8Array>('prekey.ec');

export interface RotatingPrekey {
  readonly record: Uint8Array;
  readonly createdAtMs: number;
}
/** Key: key id. Kept for 30 days after a newer one came, for messages that are still under way. */
export const signedPrekeyTable = table<RotatingPrekey>('prekey.signed');

export interface KemPrekey extends RotatingPrekey {
  readonly lastResort: boolean;
}
/** Key: key id. One-time ones are gone once used. */
export const kemPrekeyTable = table<KemPrekey>('prekey.kem');

/** Key: KEM key id, signed key id, base key in hex. A last-resort key takes each base key once, or a replayed first message would pass. */
export const usedBaseKeyTable = table<true>('prekey.kem.used');

/** Key: `next`. Ids that were never used. */
export const prekeyIdTable = table<number>('prekey.next-id');

export interface OwnKeys {
  readonly identityKeyPair: Uint8Array;
  readonly registrationId: number;
}
/** Key: `own`. */
export const ownKeysTable = table<OwnKeys>('own-keys');
