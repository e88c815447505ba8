import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';

import { makeVapidKey } from '../adapters/web-push/vapid-key.js';
import type { TokenKeys } from '../gateway/tokens.js';
import { keptSecret } from './kept-secret.js';

/** The key that signs tokens of this data directory. */
export function openTokenKeys(directory: string): TokenKeys {
  const pem = keptSecret(directory, 'token-signing-key.pem', () =>
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  );
  const privateKey = createPrivateKey(pem);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** The key that signs pushes of this data directory. */
export function openVapidKey(directory: string): string {
  return keptSecret(directory, 'vapid-private-key', makeVapidKey);
}

/** The key that signs URLs of blobs of this data directory. */
export function openBlobKey(directory: string): Uint8Array {
  return openRandomKey(directory, 'blob-url-key');
}

/** The key that signs tickets of devices that wait to be let in. */
export function openTicketKey(directory: string): Uint8Array {
  return openRandomKey(directory, 'ticket-key');
}

function openRandomKey(directory: string, name: string): Uint8Array {
  return Buffer.from(
    keptSecret(directory, name, () => randomBytes(32).toString('base64url')),
    'base64url',
  );
}
