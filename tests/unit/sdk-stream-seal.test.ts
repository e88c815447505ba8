import { randomBytes } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { limits } from '../../protocol/limits.js';
import { paddedSize } from '../../sdk/files/padded-size.js';
import { openStream, sealedSize, sealStream } from '../../sdk/files/stream-seal.js';

const chunk = 64 * 1024;
const key = randomBytes(32);
const inPieces = async function* (bytes: Uint8Array, length = 10_000) {
  for (let from = 0; from < bytes.byteLength; from += length) yield await Promise.resolve(bytes.subarray(from, from + length));
};
const all = async (stream: AsyncIterable<Uint8Array>) => {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
};
const sealed = (bytes: Uint8Array, size = bytes.byteLength) => all(sealStream(inPieces(bytes, 7_777), { key, size }));
const opened = (bytes: Uint8Array, size: number, length?: number) => all(openStream(inPieces(bytes, length), { key, size }));

describe('a sealed file', () => {
  test('opens to what it was, in whatever pieces it comes, and has the size that is told before', async () => {
    const sizes = fc.oneof(fc.integer({ min: 0, max: 300_000 }), fc.constantFrom(0, 1, 541, chunk - 1, chunk, chunk + 1, 2 * chunk));
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 600 }), async (size, pieces) => {
        const bytes = randomBytes(size);
        const made = await sealed(bytes);
        expect(made.byteLength).toBe(sealedSize(size));
        expect((await opened(made, size, Math.ceil(made.byteLength / pieces))).equals(bytes)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('is another one each time', async () => {
    const bytes = randomBytes(1_000);
    expect((await sealed(bytes)).equals(await sealed(bytes))).toBe(false);
  });

  const bytes = randomBytes(3 * chunk);
  const unit = chunk + 16;
  test.each<[string, (of: Buffer) => Uint8Array]>([
    ['a bit is changed', (of) => Buffer.concat([of.subarray(0, 70_000), Uint8Array.of((of[70_000] ?? 0) ^ 1), of.subarray(70_001)])],
    ['the header is changed', (of) => Buffer.concat([of.subarray(0, 5), Uint8Array.of((of[5] ?? 0) ^ 1), of.subarray(6)])],
    ['its version is another', (of) => Buffer.concat([Uint8Array.of(2), of.subarray(1)])],
    ['its last chunk is missing', (of) => of.subarray(0, 8 + 3 * unit)],
    ['its last byte is missing', (of) => of.subarray(0, -1)],
    ['something stands behind it', (of) => Buffer.concat([of, Uint8Array.of(0)])],
    ['a chunk more stands behind it', (of) => Buffer.concat([of, of.subarray(-unit)])],
    [
      'two chunks have changed places',
      (of) => Buffer.concat([of.subarray(0, 8), of.subarray(8 + unit, 8 + 2 * unit), of.subarray(8, 8 + unit), of.subarray(8 + 2 * unit)]),
    ],
    ['a chunk is of another file', (of) => Buffer.concat([of.subarray(0, 8), randomBytes(unit), of.subarray(8 + unit)])],
    ['nothing is left', () => new Uint8Array(0)],
  ])('does not open when %s', async (_, change) => {
    const made = await sealed(bytes);
    await expect(opened(change(made), bytes.byteLength)).rejects.toMatchObject({ code: 'undecryptable' });
  });

  test('does not open under another key, or as one of another size', async () => {
    const made = await sealed(bytes);
    await expect(all(openStream(inPieces(made), { key: randomBytes(32), size: bytes.byteLength }))).rejects.toMatchObject({ code: 'undecryptable' });
    await expect(opened(made, 2 * bytes.byteLength)).rejects.toMatchObject({ code: 'undecryptable' });
  });

  test('is not made of a file that grew or shrank meanwhile', async () => {
    for (const size of [999, 1_001])
      await expect(sealed(randomBytes(1_000), size)).rejects.toMatchObject({ code: 'invalid_request', detail: { field: 'file' } });
  });
});

describe('the size of a sealed file', () => {
  test('says the size of the file to 5 % only, and costs no more than that', () => {
    fc.assert(
      fc.property(fc.integer({ min: 541, max: 99_000_000 }), (size) => {
        const padded = paddedSize(size, 110_000_000);
        expect(padded).toBeGreaterThanOrEqual(size);
        expect(padded).toBeLessThanOrEqual(size * 1.05 + 1);
      }),
    );
    const different = new Set(Array.from({ length: 100_000 }, (_, index) => paddedSize(index, 1_000_000)));
    expect(different.size).toBeLessThan(120);
  });

  test('is never above the limit, up to a file that is itself too large', () => {
    const most = limits.maxMediaBytes - 8 - 1_600 * 16;
    expect(sealedSize(most)).toBeLessThanOrEqual(limits.maxMediaBytes);
    expect(sealedSize(100_000_000)).toBeLessThanOrEqual(limits.maxMediaBytes);
    expect(() => sealedSize(most + 1)).toThrow(expect.objectContaining({ code: 'too_large', detail: { field: 'file', limit: most } }));
  });
});
