import { randomBytes } from 'node:crypto';

import { secretHash } from '../../core/secret-hash.js';
import type { Clock } from '../../ports/clock.js';
import type { Invite } from '../../ports/groups.js';

const secretBytes = 24;

export interface MadeInvite {
  readonly invite: Invite;
  /** Whoever brings the secret is let in. */
  readonly shown: { readonly secret: Uint8Array; readonly expiresAtMs: number };
}

export function newInvite(clock: Clock, lifetimeMs: number): MadeInvite {
  const secret = randomBytes(secretBytes);
  const expiresAtMs = clock.nowMs() + lifetimeMs;
  return { invite: { hash: secretHash(secret), expiresAtMs }, shown: { secret, expiresAtMs } };
}
