import { renameSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { createFilesystemBlobStore } from '../../adapters/filesystem/filesystem-blob-store.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { eventually } from '../support/eventually.js';
import { expectExactlyTheDueDeleted } from '../support/expiry-run.js';
import { MemberStage } from '../support/member-stage.js';
import { RawFile, refusalOf } from '../support/raw-file.js';
import { TestServer } from '../support/server.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { startDevServer } from '../support/temporal.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

test('of 10,000 files exactly those that are due are deleted, with the store away for a while', async () => {
  const temporary = temporaryDirectory();
  const directory = join(temporary.path, 'blobs');
  const blobs = createFilesystemBlobStore({ directory, key: Buffer.alloc(32, 1), clock: createSystemClock() });
  await expectExactlyTheDueDeleted({
    blobs,
    put: async (blobId, { bytes, sha256 }) => {
      const { url } = await blobs.signUpload({ blobId, size: bytes.length, sha256 }, 60_000);
      const query = Object.fromEntries(new URL(url, 'http://here').searchParams);
      await blobs.write({ blobId, query }, toStream(bytes));
    },
    outage: {
      begin: () => {
        renameSync(directory, `${directory}.away`);
      },
      end: () => {
        renameSync(`${directory}.away`, directory);
      },
    },
  });
  temporary.remove();
}, 300_000);

async function* toStream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

test('what is due while Temporal is away is deleted when it is back', async () => {
  const env = await startDevServer();
  const proxy = await startTcpProxy(Number(env.address.split(':')[1]));
  const server = await TestServer.start({
    environment: {
      HELIOGRAPH_TEMPORAL_ADDRESS: `127.0.0.1:${proxy.port}`,
      HELIOGRAPH_MEDIA_UPLOAD_MS: '1000',
      HELIOGRAPH_MEDIA_ORPHAN_MS: '2000',
      HELIOGRAPH_MEDIA_BUCKET_MS: '1000',
    },
  });
  const stage = new MemberStage(server);
  try {
    const alice = await stage.one();
    proxy.cut();
    const file = new RawFile(stage.server);
    const blobId = await file.uploaded(alice);
    await eventually(async () => expect(await stage.server.metric('heliograph_media_overdue_buckets')).toBeGreaterThan(0), 30_000);
    const url = await file.urlFor(alice, blobId);
    proxy.mend();
    await eventually(async () => expect((await fetch(url)).status).toBe(404), 60_000);
    expect(await refusalOf(alice, blobId)).toMatchObject({ code: 'gone', facts: { reason: 'orphan' } });
    await eventually(async () => expect(await stage.server.metric('heliograph_media_overdue_buckets')).toBe(0), 30_000);
  } finally {
    await stage.close();
    await server.stop();
    await proxy.close();
    await env.teardown();
  }
}, 180_000);
