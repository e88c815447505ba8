import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { signalFailureOf } from '../../sdk/encryption/signal-errors.js';
import { SdkParty } from '../support/sdk-party.js';

/** Texts of libsignal that `signalFailureOf` leans on: an update that changes them fails here. */
describe('errors of libsignal', () => {
  let alice: SdkParty;
  let bob: SdkParty;
  let stranger: SdkParty;

  beforeAll(async () => {
    [alice, bob, stranger] = [await SdkParty.create(), await SdkParty.create(), await SdkParty.create()];
    await alice.meet(bob.bundle());
    await bob.decrypt(alice, await alice.encrypt(bob, '1'));
    await alice.decrypt(bob, await bob.encrypt(alice, '2'));
  });
  afterAll(async () => {
    for (const party of [alice, bob, stranger]) await party.dispose();
  });

  async function caught(work: Promise<unknown>): Promise<{ readonly text: string; readonly failure: string | undefined }> {
    try {
      await work;
    } catch (error) {
      return { text: (error as Error).message, failure: signalFailureOf(error) };
    }
    throw new Error('it did not fail');
  }

  test('a message without session', async () => {
    const { text, failure } = await caught(stranger.open(alice, await alice.encrypt(bob, 'x')));
    expect(text).toMatch(/^session with \S+ not found: message_decrypt_signal$/);
    expect(failure).toBe('no_session');
  });

  test('an encryption without session', async () => {
    const { text, failure } = await caught(alice.encrypt(stranger, 'x'));
    expect(text).toMatch(/^session with \S+ not found: message_encrypt$/);
    expect(failure).toBe('no_session');
  });

  test('a changed message', async () => {
    const { type, content } = await alice.encrypt(bob, 'x');
    const { text, failure } = await caught(
      bob.open(alice, { type, content: content.map((byte, index) => (index === content.length - 1 ? byte ^ 1 : byte)) }),
    );
    expect(text).toBe('invalid Whisper message: decryption failed');
    expect(failure).toBe('invalid_message');
  });

  test.each([
    ['too short', 2, new Uint8Array(3), 'ciphertext serialized bytes were too short <3>'],
    ['of an older version', 2, new Uint8Array(100).fill(0x22), 'ciphertext version was too old <2>'],
    ['no protobuf', 3, new Uint8Array(100).fill(0x44), 'protobuf encoding was invalid'],
  ])('a message that is %s', async (_, type, content, expected) => {
    const { text, failure } = await caught(bob.open(alice, { type, content }));
    expect(text).toBe(expected);
    expect(failure).toBe('invalid_message');
  });

  test('a message that was opened before', async () => {
    const envelope = await alice.encrypt(bob, 'x');
    await bob.open(alice, envelope);
    const { text, failure } = await caught(bob.open(alice, envelope));
    expect(text).toMatch(/^message with old counter/);
    expect(failure).toBe('duplicate');
  });

  test('what our own code throws is not an error of the protocol', () => {
    expect(signalFailureOf(new TypeError('x'))).toBeUndefined();
    expect(signalFailureOf(Object.assign(new Error("error in method call 'getSession': disk full"), { code: 0, operation: 'x' }))).toBeUndefined();
  });
});
