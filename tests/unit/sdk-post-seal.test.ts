import { randomBytes } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';
import { IdentityKeyPair } from '@signalapp/libsignal-client';
import fc from 'fast-check';

import { decodeInvite, encodeInvite } from '../../sdk/channels/invite-text.js';
import { newEpochKey, openKeyring, sealKeyring } from '../../sdk/channels/keyring.js';
import { openPost, postOverheadBytes, readPost, sealPost } from '../../sdk/channels/post-seal.js';
import { sealBody, type BodyPlace } from '../../sdk/encryption/body-seal.js';
import { limits } from '../../protocol/limits.js';
import { deviceNumber, newAccountId, newChannelId, newMessageId } from '../support/ids.js';

const place = (): BodyPlace => ({
  conversationId: newChannelId(),
  messageId: newMessageId(),
  sender: { accountId: newAccountId(), deviceId: deviceNumber(1) },
});
const identity = IdentityKeyPair.generate();
const signer = identity.publicKey.serialize();
const undecryptable = expect.objectContaining({ code: 'undecryptable' });

function sealed(at: BodyPlace, text = 'hello', key = newEpochKey()) {
  const body = sealBody(at, Buffer.from(text));
  return { key, body, bytes: sealPost(at, body, { epoch: 7, key }, identity.privateKey) };
}

describe('a post', () => {
  test('opens with the key of its epoch where it stands, and says which epoch that is', () => {
    const at = place();
    const { key, body, bytes } = sealed(at);
    expect(bytes.byteLength).toBe(body.body.byteLength + postOverheadBytes);
    const post = readPost(bytes);
    expect(post.epoch).toBe(7);
    expect(Buffer.from(openPost(at, post, key, signer).content).toString()).toBe('hello');
  });

  test('does not open for another key, in another place, as of another author, or changed in any byte', () => {
    const at = place();
    const { key, bytes } = sealed(at);
    expect(() => openPost(at, readPost(bytes), newEpochKey(), signer)).toThrow(undecryptable);
    expect(() => openPost({ ...at, messageId: newMessageId() }, readPost(bytes), key, signer)).toThrow(undecryptable);
    expect(() => openPost({ ...at, sender: { ...at.sender, accountId: newAccountId() } }, readPost(bytes), key, signer)).toThrow(undecryptable);
    expect(() => openPost(at, readPost(bytes), key, IdentityKeyPair.generate().publicKey.serialize())).toThrow(undecryptable);
    fc.assert(
      fc.property(fc.nat(bytes.byteLength - 1), fc.integer({ min: 1, max: 255 }), (index, flip) => {
        const changed = Buffer.from(bytes);
        changed[index] = (changed[index] ?? 0) ^ flip;
        expect(() => openPost(at, readPost(changed), key, signer)).toThrow(undecryptable);
      }),
      { numRuns: 60 },
    );
  });

  test('is none if it is too short, of another version, or missing', () => {
    const { bytes } = sealed(place());
    for (const wrong of [undefined, new Uint8Array(), bytes.slice(0, postOverheadBytes), Buffer.concat([Uint8Array.of(2), bytes.slice(1)])]) {
      expect(() => readPost(wrong)).toThrow(undecryptable);
    }
  });
});

describe('a keyring', () => {
  test('gives the keys before to whoever has the newest, as many of the newest as the server takes', () => {
    const conversationId = newChannelId();
    const newest = { epoch: 900, key: newEpochKey() };
    const before = Array.from({ length: 899 }, (_, index) => ({ epoch: index + 1, key: newEpochKey() }));
    const ring = sealKeyring(conversationId, newest, before);
    expect(ring.byteLength).toBeLessThanOrEqual(limits.maxKeyringBytes);
    const opened = openKeyring(conversationId, newest, ring).map(({ epoch, key }) => ({ epoch, key: Buffer.from(key) }));
    expect(opened).toEqual(before.slice(-opened.length));
    expect(opened.length).toBeGreaterThan(300);
    expect(() => openKeyring(conversationId, { ...newest, key: newEpochKey() }, ring)).toThrow(undecryptable);
    expect(() => openKeyring(newChannelId(), newest, ring)).toThrow(undecryptable);
  });
});

describe('an invite', () => {
  test('is a text with what the server knows it by, and the key', () => {
    const invite = { secret: Buffer.from(randomBytes(24)), epoch: 12, key: Buffer.from(newEpochKey()) };
    expect(decodeInvite(` ${encodeInvite(invite)}\n`)).toEqual(invite);
  });

  test.each([
    '',
    '.',
    '..',
    'a.b',
    'a.1.b',
    `abc.0.${'A'.repeat(43)}`,
    `abc.1.${'A'.repeat(43)}.x`,
    `a c.1.${'A'.repeat(43)}`,
    `abc.1e3.${'A'.repeat(43)}`,
  ])('is not %j', (text) => {
    expect(() => decodeInvite(text)).toThrow(expect.objectContaining({ code: 'invalid_request', detail: { field: 'invite' } }));
  });
});
