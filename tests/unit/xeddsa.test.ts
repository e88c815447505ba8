import { PrivateKey } from '@signalapp/libsignal-client';
import { describe, expect, test } from '@jest/globals';

import { createSignatureCheck } from '../../core/xeddsa.js';
import { signalBytes } from '../../sdk/encryption/signal-bytes.js';

/** A message signed by libsignal with a new key. */
function signed() {
  const key = PrivateKey.generate();
  const message = Buffer.from(`message ${Math.random()}`);
  return { identityKey: key.getPublicKey().serialize(), message, signature: key.sign(signalBytes(message)) };
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  return bytes.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
}

describe('the check of signatures by identity keys', () => {
  test('takes what libsignal signed', async () => {
    for (let count = 0; count < 200; count += 1) {
      const { identityKey, message, signature } = signed();
      expect(await createSignatureCheck(identityKey)(message, signature)).toBe(true);
    }
  });

  test('refuses a signature with any bit flipped, another message, and another key', async () => {
    const { identityKey, message, signature } = signed();
    const check = createSignatureCheck(identityKey);
    for (let bit = 0; bit < 512; bit += 7) expect(await check(message, flipped(signature, bit))).toBe(false);
    expect(await check(flipped(message, 3), signature)).toBe(false);
    expect(await createSignatureCheck(signed().identityKey)(message, signature)).toBe(false);
  });

  test('answers no to what is no key or no signature', async () => {
    const { identityKey, message, signature } = signed();
    const wrong: [Uint8Array, Uint8Array][] = [
      [new Uint8Array(0), signature],
      [new Uint8Array(33), signature],
      [identityKey.subarray(1), signature],
      [identityKey, new Uint8Array(0)],
      [identityKey, signature.subarray(1)],
      [new Uint8Array(33).fill(0xff).fill(5, 0, 1), signature],
    ];
    for (const [key, given] of wrong) expect(await createSignatureCheck(key)(message, given)).toBe(false);
  });
});
