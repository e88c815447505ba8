import { createECDH } from 'node:crypto';

const curve = 'prime256v1';

/** The public key to a private one, both base64url. Throws if it is none. */
export function vapidPublicKey(privateKey: string): string {
  const ecdh = createECDH(curve);
  ecdh.setPrivateKey(privateKey, 'base64url');
  return ecdh.getPublicKey('base64url');
}

/** A private one, base64url. */
export function makeVapidKey(): string {
  const ecdh = createECDH(curve);
  ecdh.generateKeys();
  // A key with leading zeros is told without them.
  return Buffer.concat([Buffer.alloc(32), ecdh.getPrivateKey()])
    .subarray(-32)
    .toString('base64url');
}
