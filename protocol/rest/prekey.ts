import { createHash } from 'node:crypto';

import { z } from 'zod';

import { bytes } from '../bytes.js';
import { accountId, deviceId, registrationId } from '../ids.js';
import { limits } from '../limits.js';
import { deviceList } from './device.js';

const keyId = z.number().int().min(0).max(0xff_ffff);
const ecPublicKey = bytes(33, 33);
/** Kyber 1024, as libsignal serializes it: a type byte, then 1568 bytes. */
const kemPublicKey = bytes(1569, 1569);
const signature = bytes(64, 64);

/** The signature is the account's, over the serialized public key. */
const signedEcPrekey = z.strictObject({ keyId, publicKey: ecPublicKey, signature });
const signedKemPrekey = z.strictObject({ keyId, publicKey: kemPublicKey, signature });
/** A one-time EC prekey carries no signature. */
const ecPrekey = z.strictObject({ keyId, publicKey: ecPublicKey });

/** All that a device publishes for those who write to it first. */
export const prekeySet = z.strictObject({
  signedPrekey: signedEcPrekey,
  kemLastResort: signedKemPrekey,
  ecPrekeys: z.array(ecPrekey).max(limits.maxPrekeysPerUpload),
  kemPrekeys: z.array(signedKemPrekey).max(limits.maxPrekeysPerUpload),
});

/** One-time keys are added, the others replaced. */
export const prekeyUpload = prekeySet.partial();
export type PrekeyUpload = z.infer<typeof prekeyUpload>;

/** How many one-time keys the server has left for the device. */
export const prekeyCount = z.strictObject({ ec: z.number().int().min(0), kem: z.number().int().min(0) });

export const prekeyCheck = z.strictObject({ digest: bytes(32, 32) });

export interface CheckedKeys {
  readonly identityKey: Uint8Array;
  readonly signedPrekey: { readonly keyId: number; readonly publicKey: Uint8Array };
  readonly kemLastResort: { readonly keyId: number; readonly publicKey: Uint8Array };
}

/** SHA-256 over identity key, then key id (4 bytes, big-endian) and public key of the signed and of the last-resort prekey: a device sees whether the server has what it published. */
export function prekeyDigest({ identityKey, signedPrekey, kemLastResort }: CheckedKeys): Uint8Array {
  const hash = createHash('sha256').update(identityKey);
  for (const { keyId: id, publicKey } of [signedPrekey, kemLastResort]) {
    const idBytes = Buffer.alloc(4);
    idBytes.writeUInt32BE(id);
    hash.update(idBytes).update(publicKey);
  }
  return hash.digest();
}

const deviceBundle = z.strictObject({
  deviceId,
  registrationId,
  signedPrekey: signedEcPrekey,
  /** Missing when none is left. */
  ecPrekey: ecPrekey.optional(),
  /** The last-resort key when no one-time key is left. */
  kemPrekey: signedKemPrekey,
});

/** What it takes to write to each device of an account for the first time. Every one-time key in it was handed out to nobody else. */
export const prekeyBundle = z.strictObject({
  accountId,
  identityKey: ecPublicKey,
  deviceList,
  /** All active devices, whether asked for or not: what the device list's signature covers. */
  listed: z.array(z.strictObject({ deviceId, registrationId })),
  devices: z.array(deviceBundle),
});
export type PrekeyBundle = z.infer<typeof prekeyBundle>;
