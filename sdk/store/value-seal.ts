import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

import { SdkError } from '../sdk-error.js';

const nonceBytes = 12;
const tagBytes = 16;

/** AES-256-GCM with a random nonce in front and the tag at the end. `label` is authenticated: a value moved under another key does not open. */
export function sealValue(key: Uint8Array, label: Uint8Array, value: Uint8Array): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(label);
  return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
}

/** Throws SdkError `undecryptable`. */
export function openValue(key: Uint8Array, label: Uint8Array, sealed: Uint8Array): Buffer {
  if (sealed.byteLength < nonceBytes + tagBytes) throw new SdkError('undecryptable', 'a stored value is too short');
  const end = sealed.byteLength - tagBytes;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes)).setAAD(label).setAuthTag(sealed.subarray(end));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, end)), decipher.final()]);
  } catch (cause) {
    throw new SdkError('undecryptable', 'a stored value does not open: wrong key, or it was changed', { cause });
  }
}
