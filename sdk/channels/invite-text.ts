import { DomainError } from '../../protocol/errors.js';
import { epochKeyBytes, type EpochKey } from './keyring.js';

export interface ChannelInvite extends EpochKey {
  /** What the server knows the invite by. */
  readonly secret: Uint8Array;
}

const base64url = /^[\w-]+$/;

/** `SECRET.EPOCH.KEY`: the server is shown the first part alone. */
export function encodeInvite({ secret, epoch, key }: ChannelInvite): string {
  return [Buffer.from(secret).toString('base64url'), epoch, Buffer.from(key).toString('base64url')].join('.');
}

/** Throws DomainError `invalid_request`. */
export function decodeInvite(text: string): ChannelInvite {
  const [secret = '', epoch = '', key = '', ...more] = text.trim().split('.');
  const decoded = { secret: Buffer.from(secret, 'base64url'), epoch: Number(epoch), key: Buffer.from(key, 'base64url') };
  const isInvite = more.length === 0 && base64url.test(secret) && /^[1-9]\d{0,8}$/.test(epoch) && base64url.test(key);
  if (isInvite && decoded.key.byteLength === epochKeyBytes) return decoded;
  throw new DomainError('invalid_request', 'invite: three parts with dots between them, as makeInvite answered', { detail: { field: 'invite' } });
}

/** Whether a text is the invite of a channel; that of a group has two parts. */
export function isChannelInvite(text: string): boolean {
  return text.trim().split('.').length === 3;
}
