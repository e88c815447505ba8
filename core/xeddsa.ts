import { createPublicKey, verify, type KeyObject } from 'node:crypto';

const prime = 2n ** 255n - 19n;
const keyBytes = 32;
const signatureBytes = 64;
/** libsignal writes this byte in front of a Curve25519 public key. */
const curveType = 0x05;
/** DER of an Ed25519 public key up to its 32 bytes. */
const derPrefix = Buffer.from('302a300506032b6570032100', 'hex');

export type SignatureCheck = (message: Uint8Array, signature: Uint8Array) => Promise<boolean>;

/**
 * Verifies XEdDSA signatures (https://signal.org/docs/specifications/xeddsa) by an account's identity key, which is a Curve25519 one: it is turned into the
 * Ed25519 key y = (u - 1) / (u + 1), whose sign is bit 7 of the signature's last byte. Answers `false` for whatever is malformed.
 */
export function createSignatureCheck(identityKey: Uint8Array): SignatureCheck {
  const keys = new Map<number, KeyObject>();
  const keyOf = (sign: number): KeyObject => {
    const known = keys.get(sign) ?? edwardsKey(identityKey, sign);
    keys.set(sign, known);
    return known;
  };
  return (message, signature) => {
    if (identityKey.byteLength !== keyBytes + 1 || identityKey[0] !== curveType || signature.byteLength !== signatureBytes)
      return Promise.resolve(false);
    const plain = Buffer.from(signature);
    const last = plain[signatureBytes - 1] ?? 0;
    plain[signatureBytes - 1] = last & 0x7f;
    return new Promise((resolve) => {
      try {
        verify(null, message, keyOf(last & 0x80), plain, (error, isValid) => {
          resolve(error === null && isValid);
        });
      } catch {
        resolve(false);
      }
    });
  };
}

function edwardsKey(identityKey: Uint8Array, sign: number): KeyObject {
  // Little-endian; the top bit does not belong to u.
  const bytes = Buffer.from(identityKey.subarray(1)).reverse();
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  const u = BigInt(`0x${bytes.toString('hex')}`);
  const y = modulo((u - 1n) * inverse(modulo(u + 1n)));
  const encoded = Buffer.from(y.toString(16).padStart(2 * keyBytes, '0'), 'hex').reverse();
  encoded[keyBytes - 1] = (encoded[keyBytes - 1] ?? 0) | sign;
  return createPublicKey({ key: Buffer.concat([derPrefix, encoded]), format: 'der', type: 'spki' });
}

/** By Fermat: a^(p-2). */
function inverse(value: bigint): bigint {
  let result = 1n;
  let base = value;
  for (let exponent = prime - 2n; exponent > 0n; exponent >>= 1n) {
    if ((exponent & 1n) === 1n) result = modulo(result * base);
    base = modulo(base * base);
  }
  return result;
}

function modulo(value: bigint): bigint {
  const rest = value % prime;
  return rest < 0n ? rest + prime : rest;
}
