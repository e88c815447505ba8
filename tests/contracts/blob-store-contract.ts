import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import type { BlobStore, SignedUpload } from '../../ports/blob-store.js';
import { eventually } from '../support/eventually.js';
import { newBlobId } from '../support/ids.js';

export interface BlobStoreUnderTest {
  readonly blobs: BlobStore;
  /** Of its relative URLs. */
  readonly base?: string;
  readonly dispose: () => Promise<void>;
}

const minuteMs = 60_000;

export function blobOf(bytes: Buffer) {
  return { blobId: newBlobId(), size: bytes.length, sha256: createHash('sha256').update(bytes).digest() };
}

/** As a device does it; answers the status. */
export async function upload({ method, url, headers }: SignedUpload, body: Buffer): Promise<number> {
  // `fetch` counts the bytes for itself.
  const sent = Object.entries(headers).filter(([header]) => header !== 'content-length');
  const response = await fetch(url, { method, headers: sent, body });
  await response.arrayBuffer();
  return response.status;
}

/** The promises of ports/blob-store.ts, for any adapter. */
export function blobStoreContract(name: string, open: () => Promise<BlobStoreUnderTest>): void {
  describe(`blob store: ${name}`, () => {
    let under: BlobStoreUnderTest;
    let blobs: BlobStore;

    beforeAll(async () => {
      under = await open();
      blobs = absolute(under);
    });
    afterAll(() => under.dispose());

    async function stored(bytes: Buffer) {
      const blob = blobOf(bytes);
      expect(await upload(await blobs.signUpload(blob, minuteMs), bytes)).toBe(200);
      return blob.blobId;
    }

    test('says that it is there', () => blobs.check());

    test('takes the bytes that were announced, and gives them back, whole and in ranges', async () => {
      const bytes = randomBytes(3_000_000);
      const blobId = await stored(bytes);
      const url = await blobs.signDownload(blobId, minuteMs);
      const whole = await fetch(url);
      expect([whole.status, Buffer.from(await whole.arrayBuffer()).equals(bytes)]).toEqual([200, true]);
      const range = await fetch(url, { headers: { range: 'bytes=1000000-1000099' } });
      expect([range.status, Buffer.from(await range.arrayBuffer())]).toEqual([206, bytes.subarray(1_000_000, 1_000_100)]);
      expect(await blobs.existing([blobId])).toEqual([blobId]);
    });

    const bytes = Buffer.from('what was announced');
    test.each([
      ['other bytes', Buffer.from('WHAT was announced'), {}],
      ['fewer bytes', bytes.subarray(1), {}],
      ['more bytes', Buffer.concat([bytes, bytes]), {}],
      ['no bytes', Buffer.alloc(0), {}],
      ['another blob', bytes, { path: newBlobId() }],
    ])('refuses %s at a signed URL, and keeps nothing', async (_, sent, { path }: { readonly path?: string }) => {
      const blob = blobOf(bytes);
      const signed = await blobs.signUpload(blob, minuteMs);
      const url = path === undefined ? signed.url : signed.url.replace(blob.blobId, path);
      const status = await upload({ ...signed, url }, sent);
      expect([400, 403, 411]).toContain(status);
      expect(await blobs.existing([blob.blobId])).toEqual([]);
    });

    test('refuses what comes after the life of its URL', async () => {
      const blob = blobOf(bytes);
      const signed = await blobs.signUpload(blob, 1_000);
      const blobId = await stored(bytes);
      const url = await blobs.signDownload(blobId, 1_000);
      await eventually(async () => expect((await fetch(url)).status).toBe(403));
      expect(await upload(signed, bytes)).toBe(403);
      expect(await blobs.existing([blob.blobId])).toEqual([]);
    });

    test('keeps nothing of an upload that was cut', async () => {
      const large = randomBytes(5_000_000);
      const blob = blobOf(large);
      const { method, url, headers } = await blobs.signUpload(blob, minuteMs);
      await new Promise<void>((resolve) => {
        const cut = request(url, { method, headers });
        cut.once('error', () => {
          resolve();
        });
        cut.write(large.subarray(0, 4_000_000), () => cut.destroy());
        cut.once('close', resolve);
      });
      expect(await blobs.existing([blob.blobId])).toEqual([]);
      expect(await upload(await blobs.signUpload(blob, minuteMs), large)).toBe(200);
    });

    test('deletes more than one call can hold, and what is not there', async () => {
      const kept = await stored(bytes);
      const gone = await Promise.all([bytes, randomBytes(100)].map(stored));
      const url = await blobs.signDownload(gone[0] ?? kept, minuteMs);
      const [first, last] = gone;
      const all = [first ?? kept, ...Array.from({ length: 1_100 }, newBlobId), last ?? kept];
      expect(await blobs.existing([...gone, kept])).toEqual([...gone, kept]);
      await blobs.delete(all);
      await blobs.delete(gone);
      expect(await blobs.existing([...gone, kept])).toEqual([kept]);
      expect((await fetch(url)).status).toBe(404);
    });
  });
}

/** With the URLs that a client would use. */
function absolute({ blobs, base }: BlobStoreUnderTest): BlobStore {
  return {
    ...blobs,
    signUpload: async (blob, lifetimeMs) => {
      const upload = await blobs.signUpload(blob, lifetimeMs);
      return { ...upload, url: new URL(upload.url, base).href };
    },
    signDownload: async (blobId, lifetimeMs) => new URL(await blobs.signDownload(blobId, lifetimeMs), base).href,
  };
}
