import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { v7 } from 'uuid';

import type { AccountId, ConversationId, DeviceId, MessageId } from '../../protocol/ids.js';
import { envelopePlaintext, openBody, readEnvelope, sealBody, type BodyPlace } from '../../sdk/encryption/body-seal.js';
import { decodeContent, encodeContent } from '../../sdk/encryption/content.js';
import { pad, unpad } from '../../sdk/encryption/padding.js';

const place: BodyPlace = {
  conversationId: v7() as ConversationId,
  messageId: v7() as MessageId,
  sender: { accountId: v7() as AccountId, deviceId: 1 as DeviceId },
};

describe('body seal', () => {
  test('opens what it sealed, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1000 }), (content) => {
        const sealed = sealBody(place, content);
        expect((sealed.body.byteLength - 48) % 160).toBe(0);
        expect([...openBody(place, readEnvelope(envelopePlaintext(sealed)), sealed.body)]).toEqual([...content]);
      }),
    );
  });

  test('an envelope has 65 bytes', () => {
    expect(envelopePlaintext(sealBody(place, Buffer.from('x'))).byteLength).toBe(65);
  });

  test('does not open with any bit changed', () => {
    const sealed = sealBody(place, Buffer.from('hello'));
    const key = readEnvelope(envelopePlaintext(sealed));
    fc.assert(
      fc.property(fc.nat(sealed.body.byteLength * 8 - 1), (bit) => {
        const body = Uint8Array.from(sealed.body);
        body[bit >> 3] = (body[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => openBody(place, key, body)).toThrow(expect.objectContaining({ code: 'undecryptable' }));
      }),
    );
  });

  test('does not open at another place', () => {
    const sealed = sealBody(place, Buffer.from('hello'));
    const key = readEnvelope(envelopePlaintext(sealed));
    const others: BodyPlace[] = [
      { ...place, conversationId: v7() as ConversationId },
      { ...place, messageId: v7() as MessageId },
      { ...place, sender: { ...place.sender, deviceId: 2 as DeviceId } },
      { ...place, sender: { ...place.sender, accountId: v7() as AccountId } },
    ];
    for (const other of others) expect(() => openBody(other, key, sealed.body)).toThrow(expect.objectContaining({ code: 'undecryptable' }));
  });

  test('a body under another key is refused by its commitment before it is decrypted', () => {
    const sealed = sealBody(place, Buffer.from('hello'));
    const other = sealBody(place, Buffer.from('hello'));
    const { digest } = readEnvelope(envelopePlaintext(sealed));
    expect(() => openBody(place, { key: other.key, digest }, sealed.body)).toThrow('another key');
  });

  test('padding comes off exactly, and nothing else passes for it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect([...unpad(pad(bytes))]).toEqual([...bytes]);
      }),
    );
    for (const wrong of [new Uint8Array(0), new Uint8Array(160), new Uint8Array(159).fill(0x80)]) expect(() => unpad(wrong)).toThrow();
  });

  test('content comes back; what is newer or malformed is unsupported', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (text) => {
        expect(decodeContent(encodeContent({ content: { type: 'text', text } })).content).toEqual({ type: 'text', text });
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(() => decodeContent(bytes)).not.toThrow();
      }),
    );
    expect(decodeContent(Buffer.from([0xc1])).content).toEqual({ type: 'unsupported' });
  });
});
