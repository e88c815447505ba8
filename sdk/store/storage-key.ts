import { randomBytes, scrypt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { SdkError } from '../sdk-error.js';

/** How the key of a directory came to be; kept in the directory in the clear. */
export type KeyOrigin =
  | { readonly from: 'passphrase'; readonly salt: Uint8Array; readonly cost: number; readonly blockSize: number; readonly parallelization: number }
  | { readonly from: 'given' }
  | { readonly from: 'file' };

export interface KeySource {
  /** The key is derived from it by scrypt (N = 2^16, r = 8, p = 1: 64 MiB and about 0.2 s). */
  readonly passphrase?: string | undefined;
  /** 32 bytes that the host keeps, for example in the system's key ring. */
  readonly storageKey?: Uint8Array | undefined;
}

export interface StorageKey {
  readonly key: Uint8Array;
  readonly origin: KeyOrigin;
}

const keyBytes = 32;
const keyFile = 'storage.key';

/**
 * The key for a directory that has none yet. With neither passphrase nor key, a random one is kept beside the store in `storage.key` (mode 0600): that protects
 * copies of the store, not against somebody who can read the directory.
 */
export async function newStorageKey(directory: string, source: KeySource): Promise<StorageKey> {
  if (source.passphrase !== undefined) {
    const origin = { from: 'passphrase', salt: randomBytes(16), cost: 2 ** 16, blockSize: 8, parallelization: 1 } as const;
    return { key: await derive(source.passphrase, origin), origin };
  }
  if (source.storageKey !== undefined) return { key: checked(source.storageKey), origin: { from: 'given' } };
  const key = randomBytes(keyBytes);
  writeFileSync(join(directory, keyFile), key, { mode: 0o600 });
  return { key, origin: { from: 'file' } };
}

/** The key of a directory that was made with `origin`. Throws SdkError `wrong_key` if the source is of another kind. */
export async function existingStorageKey(directory: string, source: KeySource, origin: KeyOrigin): Promise<Uint8Array> {
  switch (origin.from) {
    case 'passphrase':
      if (source.passphrase === undefined) throw new SdkError('wrong_key', 'this device directory is protected by a passphrase');
      return derive(source.passphrase, origin);
    case 'given':
      if (source.storageKey === undefined) throw new SdkError('wrong_key', 'this device directory needs the storage key it was made with');
      return checked(source.storageKey);
    case 'file':
      if (source.passphrase !== undefined || source.storageKey !== undefined) {
        throw new SdkError('wrong_key', `this device directory was made without a passphrase; its key is in ${keyFile}`);
      }
      return readKeyFile(directory);
  }
}

function readKeyFile(directory: string): Uint8Array {
  try {
    return checked(readFileSync(join(directory, keyFile)));
  } catch (cause) {
    throw new SdkError('wrong_key', `the key of this device directory is missing: ${keyFile}`, { cause });
  }
}

function checked(key: Uint8Array): Uint8Array {
  if (key.byteLength !== keyBytes) throw new SdkError('wrong_key', `a storage key has ${keyBytes} bytes, not ${key.byteLength}`);
  return key;
}

function derive(passphrase: string, { salt, cost, blockSize, parallelization }: Extract<KeyOrigin, { from: 'passphrase' }>): Promise<Uint8Array> {
  const maxmem = 256 * cost * blockSize;
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFKC'), salt, keyBytes, { N: cost, r: blockSize, p: parallelization, maxmem }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
