import { Fingerprint, PublicKey } from '@signalapp/libsignal-client';

import type { AccountId } from '../../protocol/ids.js';
import { SdkError } from '../sdk-error.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { identityTable } from './key-tables.js';
import { signalBytes } from './signal-bytes.js';
import { ownIdentityOf } from './signal-stores.js';

/** What two people compare to know that nobody stands between them. */
export interface SafetyNumber {
  /** 60 digits, the same on both sides. */
  readonly digits: string;
  /** For a QR code. */
  readonly scannable: Uint8Array;
}

/** Hash iterations and format version that libsignal's clients use. */
const iterations = 5200;
const fingerprintVersion = 2;

/** `undefined` while the peer's key is not known: nothing was sent or received yet. */
export function safetyNumberOf(unit: Pick<UnitOfWork, 'get'>, self: AccountId, peer: AccountId): SafetyNumber | undefined {
  const known = unit.get(identityTable, peer);
  if (known === undefined) return undefined;
  const fingerprint = Fingerprint.new(
    iterations,
    fingerprintVersion,
    signalBytes(Buffer.from(self)),
    ownIdentityOf(unit).publicKey,
    signalBytes(Buffer.from(peer)),
    PublicKey.deserialize(signalBytes(known.key)),
  );
  return { digits: fingerprint.displayableFingerprint().toString(), scannable: fingerprint.scannableFingerprint().toBuffer() };
}

/** The user compared the safety number. Throws SdkError `not_registered` while no key is known. */
export function markVerified(unit: UnitOfWork, peer: AccountId): void {
  unit.put(identityTable, [peer], { ...knownOf(unit, peer), verified: true, held: false });
}

/** The user accepts a changed key without comparing it. */
export function approveIdentity(unit: UnitOfWork, peer: AccountId): void {
  unit.put(identityTable, [peer], { ...knownOf(unit, peer), held: false });
}

function knownOf(unit: UnitOfWork, peer: AccountId) {
  const known = unit.get(identityTable, peer);
  if (known === undefined) throw new SdkError('not_registered', `no identity key of ${peer} is known yet`);
  return known;
}
