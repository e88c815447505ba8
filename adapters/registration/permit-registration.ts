import { createPublicKey, type KeyObject } from 'node:crypto';

import { jwtVerify } from 'jose';

import type { Clock } from '../../ports/clock.js';
import type { RegistrationProof } from '../../ports/registration-proof.js';
import { DomainError } from '../../protocol/errors.js';

const algorithm = 'EdDSA';
const audience = 'heliograph/registration';
const keyBytes = 32;

/** Throws RangeError for what is no Ed25519 public key: 32 bytes in base64url. */
export function permitKeyOf(text: string): KeyObject {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.byteLength !== keyBytes) throw new RangeError(`an Ed25519 public key has ${keyBytes} bytes, in base64url`);
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: text }, format: 'jwk' });
}

/**
 * A permit is a JWT that a sign-up service of one's own signed with Ed25519, after it saw whatever it wants to see: `sub` the handle, `aud` `heliograph/registration`, `exp`.
 * It is good for its handle alone, so it need not be remembered.
 */
export function createPermitRegistration(key: KeyObject, clock: Clock): RegistrationProof {
  return {
    check: async ({ handle, proof }) => {
      if (proof === undefined) throw refusal('a permit of the sign-up service is needed');
      try {
        const options = { algorithms: [algorithm], audience, subject: handle, requiredClaims: ['exp'], currentDate: new Date(clock.nowMs()) };
        await jwtVerify(proof, key, options);
      } catch (cause) {
        throw refusal('not a permit for this handle, or its time is over', cause);
      }
    },
  };
}

function refusal(what: string, cause?: unknown): DomainError {
  return new DomainError('forbidden', `proof: ${what}`, { detail: { field: 'proof' }, cause });
}
