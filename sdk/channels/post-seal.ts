import { createHash } from 'node:crypto';

import { PublicKey, type PrivateKey } from '@signalapp/libsignal-client';

import { envelopePlaintext, openBody, readEnvelope, type BodyPlace, type ContentKey, type SealedBody } from '../encryption/body-seal.js';
import { signalBytes } from '../encryption/signal-bytes.js';
import { SdkError } from '../sdk-error.js';
import { openValue, sealValue } from '../store/value-seal.js';
import type { EpochKey } from './keyring.js';

/** What the server keeps of a post, which everybody pulls: version (1) | epoch (4) | content key, sealed under the epoch's key (93) | signature of its account (64) | body. */
export interface Post {
  readonly epoch: number;
  readonly wrapped: Uint8Array;
  readonly signature: Uint8Array;
  readonly body: Uint8Array;
}

const version = 1;
const epochAt = 1;
const wrappedAt = 5;
const signatureAt = wrappedAt + 93;
const bodyAt = signatureAt + 64;
/** How much longer a post is than its body. */
export const postOverheadBytes = bodyAt;

export function sealPost(place: BodyPlace, sealed: SealedBody, { epoch, key }: EpochKey, identity: PrivateKey): Uint8Array {
  const head = Buffer.alloc(wrappedAt);
  head[0] = version;
  head.writeUInt32BE(epoch, epochAt);
  const wrapped = sealValue(key, labelOf(place, epoch), envelopePlaintext(sealed));
  const signature = identity.sign(signalBytes(signedBytes(place, { epoch, wrapped, body: sealed.body })));
  return Buffer.concat([head, wrapped, signature, sealed.body]);
}

/** Throws SdkError `undecryptable` for what is no post, or one of a newer version. */
export function readPost(bytes: Uint8Array | undefined): Post {
  if (bytes === undefined || bytes.byteLength <= bodyAt || bytes[0] !== version) throw new SdkError('undecryptable', 'no post that is known here');
  return {
    epoch: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUInt32BE(epochAt),
    wrapped: bytes.slice(wrappedAt, signatureAt),
    signature: bytes.slice(signatureAt, bodyAt),
    body: bytes.slice(bodyAt),
  };
}

export interface OpenedPost {
  readonly contentKey: ContentKey;
  readonly content: Uint8Array;
}

/** `signer`: the identity key of the account that posted. Throws SdkError `undecryptable`: another account signed it, or another key sealed it, or it was changed or moved. */
export function openPost(place: BodyPlace, post: Post, key: Uint8Array, signer: Uint8Array): OpenedPost {
  const isSigned = PublicKey.deserialize(signalBytes(signer)).verify(signalBytes(signedBytes(place, post)), signalBytes(post.signature));
  if (!isSigned) throw new SdkError('undecryptable', 'the account that is named as its author did not sign it');
  const contentKey = readEnvelope(openValue(key, labelOf(place, post.epoch), post.wrapped));
  return { contentKey, content: openBody(place, contentKey, post.body) };
}

function signedBytes(place: BodyPlace, { epoch, wrapped, body }: Pick<Post, 'epoch' | 'wrapped' | 'body'>): Uint8Array {
  return Buffer.concat([labelOf(place, epoch), wrapped, createHash('sha256').update(body).digest()]);
}

function labelOf({ conversationId, messageId, sender }: BodyPlace, epoch: number): Uint8Array {
  return Buffer.from(`heliograph/post/v1|${conversationId}|${messageId}|${sender.accountId}|${sender.deviceId}|${epoch}`);
}
