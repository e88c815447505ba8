import { hkdfSync } from 'node:crypto';

/** A key of 32 bytes for one purpose, from a secret that serves several (HKDF-SHA-256, RFC 5869). */
export function deriveKey(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `heliograph ${purpose}`, 32));
}
