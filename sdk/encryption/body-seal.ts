import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

import type { ConversationId, DeviceAddress, MessageId } from '../../protocol/ids.js';
import { SdkError } from '../sdk-error.js';
import { pad, unpad } from './padding.js';

/** Which message a body is: authenticated with it, so a body moved to another place, sender or conversation does not open. */
export interface BodyPlace {
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
  readonly sender: DeviceAddress;
}

export interface SealedBody {
  /** Key commitment (32) | ciphertext of the padded content | tag (16). */
  readonly body: Uint8Array;
  readonly key: Uint8Array;
}

/** What a device needs to open a body, now or later from history. */
export interface ContentKey {
  readonly key: Uint8Array;
  /** SHA-256 of the body. */
  readonly digest: Uint8Array;
}

const envelopeVersion = 1;
const keyBytes = 32;
const commitmentBytes = 32;
const digestBytes = 32;
const tagBytes = 16;
/** A key seals once, so its nonce may be constant. */
const nonce = Buffer.alloc(12);
/** Version, content key, digest of the body. */
const envelopeBytes = 1 + keyBytes + digestBytes;

/** Pads and seals content under a fresh key. */
export function sealBody(place: BodyPlace, content: Uint8Array): SealedBody {
  const key = randomBytes(keyBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(placeBytes(place));
  return { key, body: Buffer.concat([commitmentOf(key), cipher.update(pad(content)), cipher.final(), cipher.getAuthTag()]) };
}

/** Throws SdkError `undecryptable`: other body than the envelope named, other place, other key, or changed bytes. */
export function openBody(place: BodyPlace, { key, digest }: ContentKey, body: Uint8Array): Uint8Array {
  if (body.byteLength < commitmentBytes + tagBytes || !timingSafeEqual(digestOf(body), digest)) {
    throw new SdkError('undecryptable', 'the body is not the one that its envelope names');
  }
  // AES-GCM alone lets one ciphertext open under two keys; the commitment binds it to one.
  if (!timingSafeEqual(commitmentOf(key), body.subarray(0, commitmentBytes)))
    throw new SdkError('undecryptable', 'the body is sealed under another key');
  const end = body.byteLength - tagBytes;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(placeBytes(place)).setAuthTag(body.subarray(end));
  try {
    return unpad(Buffer.concat([decipher.update(body.subarray(commitmentBytes, end)), decipher.final()]));
  } catch (cause) {
    throw new SdkError('undecryptable', 'the body does not open: it was changed, or belongs to another message', { cause });
  }
}

/** What goes to each device through its session: 65 bytes. */
export function envelopePlaintext({ key, body }: SealedBody): Uint8Array {
  return Buffer.concat([Uint8Array.of(envelopeVersion), key, digestOf(body)]);
}

/** Throws SdkError `undecryptable` for a version that is not known. */
export function readEnvelope(plaintext: Uint8Array): ContentKey {
  if (plaintext.byteLength !== envelopeBytes || plaintext[0] !== envelopeVersion) {
    throw new SdkError('undecryptable', 'an envelope of a version that is not known here');
  }
  return { key: plaintext.slice(1, 1 + keyBytes), digest: plaintext.slice(1 + keyBytes) };
}

function commitmentOf(key: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), 'commit', commitmentBytes));
}

function digestOf(body: Uint8Array): Uint8Array {
  return createHash('sha256').update(body).digest();
}

function placeBytes({ conversationId, messageId, sender }: BodyPlace): Uint8Array {
  return Buffer.from(`${conversationId}|${messageId}|${sender.accountId}|${sender.deviceId}`);
}
