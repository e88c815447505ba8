import { createHash } from 'node:crypto';

/** What the server keeps of a secret that a device or an invite proves itself with: its SHA-256. Secrets are random, so nothing slower is needed. */
export function secretHash(secret: Uint8Array): Uint8Array {
  return createHash('sha256').update(secret).digest();
}
