import { createHash } from 'node:crypto';

import { type PrivateKey, PublicKey } from '@signalapp/libsignal-client';
import { z } from 'zod';

import { DomainError } from '../../protocol/errors.js';
import { accountId, deviceId } from '../../protocol/ids.js';
import { handle } from '../../protocol/rest/account.js';
import { signalBytes } from '../encryption/signal-bytes.js';
import { packr } from '../packr.js';
import { SdkError } from '../sdk-error.js';
import { encodeLinkCode, type LinkCode } from './link-code.js';

/** What makes a device one of the account. It never leaves the two devices unsealed. */
const linkBox = z.object({
  v: z.literal(1),
  accountId,
  handle,
  identityKeyPair: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
  /** Of the device list that the answering device knew. */
  listVersion: z.number().int(),
  answeredBy: deviceId,
});
export type LinkBox = Omit<z.infer<typeof linkBox>, 'v'>;

const info = 'heliograph/link/v1';

/** HPKE to the key of the code, bound to its link. Throws DomainError `invalid_request` for a key that is none. */
export function sealLinkBox(code: LinkCode, box: LinkBox): Uint8Array {
  const plaintext = signalBytes(packr.pack({ v: 1, ...box }));
  return publicKeyOf(code).seal(plaintext, info, signalBytes(Buffer.from(code.linkId)));
}

/** Throws SdkError `undecryptable`. */
export function openLinkBox(privateKey: PrivateKey, { linkId }: Pick<LinkCode, 'linkId'>, sealed: Uint8Array): LinkBox {
  try {
    return linkBox.parse(packr.unpack(privateKey.open(signalBytes(sealed), info, signalBytes(Buffer.from(linkId)))));
  } catch (cause) {
    throw new SdkError('undecryptable', 'the answer to the link does not open: it is for another code, or of a newer version', { cause });
  }
}

/** Six digits that both devices show: the same on both only if the answer is the one that was given, to the code that was shown. */
export function checkDigits(code: LinkCode, sealed: Uint8Array): string {
  const digest = createHash('sha256').update(encodeLinkCode(code)).update(sealed).digest();
  return String(digest.readUIntBE(0, 6) % 1_000_000).padStart(6, '0');
}

function publicKeyOf({ publicKey }: LinkCode): PublicKey {
  try {
    return PublicKey.deserialize(signalBytes(publicKey));
  } catch (cause) {
    throw new DomainError('invalid_request', 'code: its key is none', { cause, detail: { field: 'code' } });
  }
}
