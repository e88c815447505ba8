import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

import { errors, jwtVerify, SignJWT } from 'jose';

import type { Clock } from '../ports/clock.js';
import { DomainError } from '../protocol/errors.js';
import { deviceAddress, type DeviceAddress } from '../protocol/ids.js';
import type { IssuedToken } from '../protocol/rest/account.js';

export const tokenAlgorithm = 'EdDSA';
export const tokenIssuer = 'heliograph';
const audience = 'heliograph/v1';
/** Of RFC 8410: what stands before the 32 bytes of an Ed25519 seed. */
const pkcs8Ed25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface TokenKeys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export interface VerifiedToken {
  readonly device: DeviceAddress;
  readonly expiresAtMs: number;
}

/** Short-lived proofs of which device asks. A token holds until it ends, for any number of connections of its device; that a device was removed is looked up beside it. */
export interface Tokens {
  issue(device: DeviceAddress): Promise<IssuedToken>;
  /** Throws DomainError `unauthenticated`; `detail.reason` is `expired` if nothing else is wrong. */
  verify(token: string): Promise<VerifiedToken>;
}

export interface TokensOptions {
  readonly keys: TokenKeys;
  readonly clock: Clock;
  readonly lifetimeMs: number;
}

/** JWTs signed by Ed25519. */
export function createTokens({ keys, clock, lifetimeMs }: TokensOptions): Tokens {
  return {
    issue: async ({ accountId, deviceId }) => {
      // Whole seconds, as JWTs count; rounded so that a token never ends early.
      const expiresAtSeconds = Math.ceil((clock.nowMs() + lifetimeMs) / 1_000);
      const token = await new SignJWT({ device: deviceId })
        .setProtectedHeader({ alg: tokenAlgorithm })
        .setSubject(accountId)
        .setIssuer(tokenIssuer)
        .setAudience(audience)
        .setExpirationTime(expiresAtSeconds)
        .sign(keys.privateKey);
      return { token, expiresAtMs: expiresAtSeconds * 1_000 };
    },
    verify: async (token) => {
      try {
        const options = {
          algorithms: [tokenAlgorithm],
          issuer: tokenIssuer,
          audience,
          requiredClaims: ['exp', 'sub'],
          currentDate: new Date(clock.nowMs()),
        };
        const { payload } = await jwtVerify(token, keys.publicKey, options);
        const device = deviceAddress.parse({ accountId: payload.sub, deviceId: payload['device'] });
        return { device, expiresAtMs: (payload.exp ?? 0) * 1_000 };
      } catch (cause) {
        if (cause instanceof errors.JWTExpired) throw new DomainError('unauthenticated', 'token: expired', { cause, detail: { reason: 'expired' } });
        throw new DomainError('unauthenticated', 'token: not valid', { cause });
      }
    },
  };
}

/** The signing key of all gateways that know the seed, 32 bytes. */
export function tokenKeysOf(seed: Uint8Array): TokenKeys {
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Ed25519, seed]), format: 'der', type: 'pkcs8' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}
