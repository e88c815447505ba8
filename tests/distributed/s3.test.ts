import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { createS3BlobStore, type S3BlobStore, type S3BlobStoreOptions } from '../../adapters/s3/s3-blob-store.js';
import { Daemon } from '../../app/stack/daemon.js';
import { stackCredentials, stackEndpoints, stackPorts } from '../../app/stack/endpoints.js';
import { seaweedfsOn } from '../../app/stack/seaweedfs.js';
import { blobOf, blobStoreContract, upload } from '../contracts/blob-store-contract.js';
import { eventually } from '../support/eventually.js';
import { expectExactlyTheDueDeleted } from '../support/expiry-run.js';
import { newBlobId } from '../support/ids.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const minuteMs = 60_000;
const away = { code: 'unavailable', retryAfterMs: 2_000 };
const open: S3BlobStore[] = [];
afterAll(() => {
  for (const blobs of open) blobs.close();
});

function openS3(options: Partial<S3BlobStoreOptions> = {}): S3BlobStore {
  const { s3: credentials } = stackCredentials;
  const blobs = createS3BlobStore({
    url: stackEndpoints.s3Url,
    publicUrl: undefined,
    region: 'us-east-1',
    bucket: 'heliograph',
    credentials,
    ...options,
  });
  open.push(blobs);
  return blobs;
}

blobStoreContract('s3', async () => {
  const blobs = openS3();
  await blobs.prepare();
  return { blobs, dispose: () => Promise.resolve() };
});

describe('blobs in s3', () => {
  test('make their bucket once, however many processes start at once, and again later', async () => {
    const bucket = `test-${randomUUID()}`;
    await Promise.all(Array.from({ length: 6 }, () => openS3({ bucket }).prepare()));
    const blobs = openS3({ bucket });
    await blobs.prepare();
    const bytes = randomBytes(10);
    expect(await upload(await blobs.signUpload(blobOf(bytes), minuteMs), bytes)).toBe(200);
  });

  test('are unavailable while nothing listens there, and while nothing answers', async () => {
    const nowhere = openS3({ url: 'http://127.0.0.1:1' });
    await expect(nowhere.prepare()).rejects.toMatchObject(away);
    await expect(nowhere.delete([newBlobId()])).rejects.toMatchObject(away);
    const proxy = await startTcpProxy(stackPorts.s3);
    const silent = openS3({ url: `http://127.0.0.1:${proxy.port}` });
    await silent.prepare();
    proxy.freeze();
    await expect(silent.existing([newBlobId()])).rejects.toMatchObject(away);
    await proxy.close();
  }, 30_000);

  test('say what is wrong when S3 refuses, which waiting does not cure', async () => {
    const refused = openS3({ credentials: { accessKeyId: 'heliograph', secretAccessKey: 'wrong' } });
    await expect(refused.prepare()).rejects.not.toMatchObject({ code: 'unavailable' });
    await expect(refused.delete([newBlobId()])).rejects.toThrow(/signature/i);
  });

  test('are signed for the address that devices know', async () => {
    const proxy = await startTcpProxy(stackPorts.s3);
    const publicUrl = `http://127.0.0.1:${proxy.port}`;
    const blobs = openS3({ publicUrl });
    const bytes = randomBytes(1_000);
    const blob = blobOf(bytes);
    const signed = await blobs.signUpload(blob, minuteMs);
    expect(signed.url).toMatch(`${publicUrl}/heliograph/media/${blob.blobId}?`);
    expect(await upload(signed, bytes)).toBe(200);
    expect(await blobs.existing([blob.blobId])).toEqual([blob.blobId]);
    await proxy.close();
  });
});

/** A disk of 96 MB, and an S3 server with it. */
describe('a full disk', () => {
  const port = stackPorts.s3 + 100;
  const disk = temporaryDirectory();
  const server = new Daemon(disk.path, 's3');
  const filler = join(disk.path, 'filler');

  beforeAll(async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', disk.path]);
    server.makeDirectory();
    const engine = seaweedfsOn(port);
    await server.start(await engine.prepare(server.directory));
  }, 60_000);
  afterAll(async () => {
    await server.stop('SIGTERM', 10_000);
    execFileSync('umount', [disk.path]);
    disk.remove();
  }, 60_000);

  test('takes no blob half, keeps those that it has, and takes blobs again when there is room', async () => {
    const blobs = openS3({ url: `http://127.0.0.1:${port}` });
    await eventually(() => blobs.prepare(), 30_000);
    const bytes = randomBytes(10_000_000);
    const kept = blobOf(bytes);
    await eventually(async () => expect(await upload(await blobs.signUpload(kept, minuteMs), bytes)).toBe(200), 30_000);

    expect(() => {
      for (;;) writeFileSync(filler, Buffer.alloc(1_000_000), { flag: 'a' });
    }).toThrow('ENOSPC');
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const refused = blobOf(bytes);
      expect(await upload(await blobs.signUpload(refused, minuteMs), bytes)).toBe(500);
      expect(await blobs.existing([refused.blobId, kept.blobId])).toEqual([kept.blobId]);
    }
    const whole = await fetch(await blobs.signDownload(kept.blobId, minuteMs));
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);

    rmSync(filler);
    // It looks at its disk once a minute.
    await eventually(async () => {
      await sleep(500);
      const later = blobOf(bytes);
      expect(await upload(await blobs.signUpload(later, minuteMs), bytes)).toBe(200);
      expect(await blobs.existing([later.blobId])).toEqual([later.blobId]);
    }, 90_000);
  }, 180_000);
});

test('of 10,000 files in s3 exactly those that are due are deleted, with s3 away for a while', async () => {
  const bucket = `test-${randomUUID()}`;
  const direct = openS3({ bucket });
  await direct.prepare();
  const proxy = await startTcpProxy(stackPorts.s3);
  await expectExactlyTheDueDeleted({
    blobs: openS3({ bucket, url: `http://127.0.0.1:${proxy.port}` }),
    put: async (blobId, { bytes, sha256 }) => {
      expect(await upload(await direct.signUpload({ blobId, size: bytes.length, sha256 }, minuteMs), bytes)).toBe(200);
    },
    outage: {
      begin: () => {
        proxy.cut();
      },
      end: () => {
        proxy.mend();
      },
    },
  });
  await proxy.close();
}, 480_000);
