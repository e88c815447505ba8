import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

import { DomainError } from '../../protocol/errors.js';
import { limits } from '../../protocol/limits.js';
import { SdkError } from '../sdk-error.js';
import { paddedSize } from './padded-size.js';

/** Of one file, whose bytes the key seals only once. */
export interface StreamKey {
  readonly key: Uint8Array;
  /** True bytes of the file; what is sealed is longer. */
  readonly size: number;
}

const version = 1;
const prefixBytes = 7;
const headerBytes = 1 + prefixBytes;
const chunkBytes = 64 * 1024;
const tagBytes = 16;

const chunksOf = (byteCount: number) => Math.max(1, Math.ceil(byteCount / chunkBytes));
const sealedBytes = (padded: number) => headerBytes + padded + chunksOf(padded) * tagBytes;
/** So many that their sealed form is as large as a file may be. */
const maxFileBytes = limits.maxMediaBytes - headerBytes - Math.ceil(limits.maxMediaBytes / chunkBytes) * tagBytes;

/** Bytes of the sealed form. Throws DomainError `too_large`. */
export function sealedSize(size: number): number {
  if (size > maxFileBytes) {
    throw new DomainError('too_large', `file: at most ${maxFileBytes} bytes`, { detail: { field: 'file', limit: maxFileBytes } });
  }
  return sealedBytes(paddedSize(size, maxFileBytes));
}

/**
 * STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015) with AES-256-GCM: a header of version (1) and nonce prefix (7), then chunks of 64 KiB and a tag (16) each, under the nonce
 * prefix | number (4) | whether it is the last (1), with the header as additional data. The file is filled up with zeros. Holds a chunk at a time.
 * Throws DomainError `invalid_request` if the source has not `size` bytes.
 */
export async function* sealStream(source: AsyncIterable<Uint8Array>, { key, size }: StreamKey): AsyncGenerator<Uint8Array> {
  const padded = paddedSize(size, maxFileBytes);
  const header = Buffer.concat([Uint8Array.of(version), randomBytes(prefixBytes)]);
  yield header;
  const last = chunksOf(padded) - 1;
  let number = 0;
  for await (const chunk of pieces(filledUp(source, { size, padded }), 0)) {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(header, number, number === last)).setAAD(header);
    yield Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()]);
    number += 1;
  }
}

/** The file again, chunk by chunk; only at the end it is known to be whole. Throws SdkError `undecryptable` for what was cut, lengthened, reordered or changed. */
export async function* openStream(source: AsyncIterable<Uint8Array>, { key, size }: StreamKey): AsyncGenerator<Uint8Array> {
  const last = chunksOf(paddedSize(size, maxFileBytes)) - 1;
  let header: Uint8Array | undefined;
  let number = 0;
  let left = size;
  for await (const piece of pieces(source, headerBytes, tagBytes)) {
    if (header === undefined) {
      if (piece.byteLength !== headerBytes || piece[0] !== version) throw new SdkError('undecryptable', 'a file of a version that is not known here');
      header = Uint8Array.from(piece);
      continue;
    }
    if (number > last) break;
    const chunk = openChunk(piece, { key, header, nonce: nonceOf(header, number, number === last) });
    number += 1;
    if (left > 0) yield chunk.subarray(0, left);
    left = Math.max(0, left - chunk.byteLength);
  }
  if (number !== last + 1 || left > 0) throw new SdkError('undecryptable', 'the file is cut');
}

interface ChunkSeal {
  readonly key: Uint8Array;
  readonly header: Uint8Array;
  readonly nonce: Uint8Array;
}

function openChunk(sealed: Uint8Array, { key, header, nonce }: ChunkSeal): Uint8Array {
  const end = sealed.byteLength - tagBytes;
  if (end < 0) throw new SdkError('undecryptable', 'the file is cut');
  const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(header).setAuthTag(sealed.subarray(end));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]);
  } catch (cause) {
    throw new SdkError('undecryptable', 'the file does not open: it was changed, or has another key', { cause });
  }
}

function nonceOf(header: Uint8Array, number: number, isLast: boolean): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.set(header.subarray(1));
  nonce.writeUInt32BE(number, prefixBytes);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

async function* filledUp(
  source: AsyncIterable<Uint8Array>,
  { size, padded }: { readonly size: number; readonly padded: number },
): AsyncGenerator<Uint8Array> {
  let read = 0;
  for await (const bytes of source) {
    read += bytes.byteLength;
    yield bytes;
  }
  if (read !== size) throw new DomainError('invalid_request', 'file: it was changed while it was read', { detail: { field: 'file' } });
  for (let left = padded - size; left > 0; left -= chunkBytes) yield new Uint8Array(Math.min(left, chunkBytes));
}

/** The same bytes in a first piece of `first` bytes, if there is to be one, and then chunks with `extra` bytes each; the last may be shorter. */
async function* pieces(source: AsyncIterable<Uint8Array>, first: number, extra = 0): AsyncGenerator<Uint8Array> {
  let wanted = first > 0 ? first : chunkBytes + extra;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const bytes of source) {
    let rest = bytes;
    while (heldBytes + rest.byteLength >= wanted) {
      const needed = wanted - heldBytes;
      yield Buffer.concat([...held, rest.subarray(0, needed)]);
      rest = rest.subarray(needed);
      [held, heldBytes, wanted] = [[], 0, chunkBytes + extra];
    }
    held.push(rest);
    heldBytes += rest.byteLength;
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}
