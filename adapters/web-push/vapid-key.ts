import { createECDH } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const curve = 'prime256v1';
const keyFile = 'vapid-private-key';

/** The public key to a private one, both base64url. Throws if it is none. */
export function vapidPublicKey(privateKey: string): string {
  const ecdh = createECDH(curve);
  ecdh.setPrivateKey(privateKey, 'base64url');
  return ecdh.getPublicKey('base64url');
}

/** The private key of this data directory, made at the first start. */
export function openVapidKey(directory: string): string {
  const file = join(directory, keyFile);
  if (!existsSync(file)) {
    const ecdh = createECDH(curve);
    ecdh.generateKeys();
    // A key with leading zeros is told without them.
    const privateKey = Buffer.concat([Buffer.alloc(32), ecdh.getPrivateKey()]).subarray(-32);
    writeFileSync(`${file}.new`, privateKey.toString('base64url'), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return readFileSync(file, 'utf8');
}
