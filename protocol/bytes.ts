import { z } from 'zod';

/**
 * Opaque bytes, at most `maxBytes` long. On msgpack they are binary; in JSON (frames and REST) base64url text without padding.
 * One schema reads both, so that both encodings have the same rules.
 */
export function bytes(maxBytes: number, minBytes = 0) {
  return z
    .preprocess(
      (value) => (typeof value === 'string' ? fromBase64Url(value) : value),
      z
        .custom<Uint8Array>((value) => value instanceof Uint8Array, { error: 'must be bytes (base64url text in JSON)' })
        .refine((value) => value.byteLength <= maxBytes, { error: `must be at most ${maxBytes} bytes` })
        .refine((value) => value.byteLength >= minBytes, { error: `must be at least ${minBytes} bytes` }),
    )
    .meta({
      type: 'string',
      contentEncoding: 'base64url',
      pattern: '^[A-Za-z0-9_-]*$',
      minLength: textLengthOf(minBytes),
      maxLength: textLengthOf(maxBytes),
    });
}

/** Characters of base64url without padding. */
function textLengthOf(byteCount: number): number {
  return Math.ceil((byteCount * 4) / 3);
}

/** Text that is not base64url comes back as it is, and fails the schema under its field's name. */
function fromBase64Url(text: string): unknown {
  return /^[A-Za-z0-9_-]*$/.test(text) && text.length % 4 !== 1 ? Buffer.from(text, 'base64url') : text;
}

/** A `JSON.stringify` replacer that writes bytes as base64url. */
export function bytesReplacer(this: unknown, key: string, value: unknown): unknown {
  const original = key === '' ? value : (this as Record<string, unknown>)[key];
  return original instanceof Uint8Array ? Buffer.from(original.buffer, original.byteOffset, original.byteLength).toString('base64url') : value;
}
