import { DomainError } from '../../protocol/errors.js';
import { linkId, type LinkId } from '../../protocol/ids.js';

/** What a device that wants to be linked shows, as text or QR: which link, and the key that the answer is sealed to. */
export interface LinkCode {
  readonly linkId: LinkId;
  /** X25519, as libsignal serializes it: 33 bytes. */
  readonly publicKey: Uint8Array;
}

const prefix = 'heliograph-link-1';
const publicKeyBytes = 33;

export function encodeLinkCode({ linkId: id, publicKey }: LinkCode): string {
  return [prefix, id, Buffer.from(publicKey).toString('base64url')].join('.');
}

/** Throws DomainError `invalid_request`. */
export function decodeLinkCode(code: string): LinkCode {
  const [first, id, key = '', ...more] = code.trim().split('.');
  const parsed = linkId.safeParse(id);
  const publicKey = Buffer.from(key, 'base64url');
  if (first !== prefix || more.length > 0 || !parsed.success || publicKey.byteLength !== publicKeyBytes) {
    throw new DomainError('invalid_request', `code: ${prefix}, an id and a key, with dots between them`, { detail: { field: 'code' } });
  }
  return { linkId: parsed.data, publicKey };
}
