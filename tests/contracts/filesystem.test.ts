import { randomBytes } from 'node:crypto';
import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { join } from 'node:path';

import { afterAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import { Registry } from 'prom-client';

import { createFilesystemBlobStore } from '../../adapters/filesystem/filesystem-blob-store.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { listen, stopListening } from '../../app/listen.js';
import { answerBlobRequest, blobFilesRoute } from '../../gateway/rest/blob-files.js';
import { sendProblem } from '../../gateway/rest/problems.js';
import { createLogger } from '../../telemetry/logger.js';
import { createRestEvents } from '../../telemetry/rest-events.js';
import { eventually } from '../support/eventually.js';
import { newBlobId } from '../support/ids.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { blobOf, blobStoreContract, upload } from './blob-store-contract.js';

const minuteMs = 60_000;
const clock = createSystemClock();
const disposals: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const dispose of disposals) await dispose();
});

/** The store with the part of the REST edge that serves its URLs. */
async function openStore() {
  const temporary = temporaryDirectory();
  const directory = join(temporary.path, 'blobs');
  const registry = new Registry();
  const open = () => createFilesystemBlobStore({ directory, key: Buffer.alloc(32, 1), clock });
  const blobs = open();
  const events = createRestEvents(createLogger('silent'), registry);
  const app = express().all(blobFilesRoute, (asked, response) =>
    answerBlobRequest(blobs, asked, response).catch((error: unknown) => {
      sendProblem(response, error, events);
    }),
  );
  const server: Server = createServer(app);
  const base = `http://127.0.0.1:${await listen(server, '127.0.0.1', 0, '')}`;
  const dispose = async () => {
    await stopListening(server);
    temporary.remove();
  };
  const faults = async () => (await registry.getSingleMetric('heliograph_rest_internal_errors_total')?.get())?.values[0]?.value;
  return { blobs, base, directory, open, dispose, faults };
}

async function openForTest() {
  const store = await openStore();
  disposals.push(store.dispose);
  const signed = async (bytes: Buffer, blob = blobOf(bytes)) => {
    const { url, ...rest } = await store.blobs.signUpload(blob, minuteMs);
    return { ...rest, url: new URL(url, store.base).href };
  };
  return { ...store, signed };
}

blobStoreContract('filesystem', openStore);

describe('blobs in files', () => {
  const bytes = randomBytes(100_000);

  test('leave nothing of an upload that was refused or cut, and count no fault', async () => {
    const { directory, signed, faults } = await openForTest();
    expect(await upload(await signed(bytes), randomBytes(100_000))).toBe(400);
    const { method, url, headers } = await signed(bytes);
    const cut = request(url, { method, headers });
    cut.on('error', () => undefined);
    cut.write(bytes.subarray(0, 50_000));
    await eventually(() => {
      expect(readdirSync(join(directory, 'partial'))).toHaveLength(1);
    });
    cut.destroy();
    await eventually(() => {
      expect(readdirSync(directory, { recursive: true })).toEqual(['partial']);
    });
    expect(await faults()).toBe(0);
  });

  test('are not given for a signature of something else', async () => {
    const { blobs, base, signed } = await openForTest();
    const blob = blobOf(bytes);
    const put = await signed(bytes, blob);
    expect(await upload(put, bytes)).toBe(200);
    const get = new URL(await blobs.signDownload(blob.blobId, minuteMs), base);
    const changed = (change: (url: URL) => void) => {
      const url = new URL(get);
      change(url);
      return fetch(url).then(({ status }) => status);
    };
    expect((await fetch(get, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(get, { method: 'DELETE' })).status).toBe(405);
    expect((await fetch(put.url)).status).toBe(403);
    expect(await changed((url) => (url.pathname = `/v1/blobs/${newBlobId()}`))).toBe(403);
    expect(await changed((url) => (url.pathname = '/v1/blobs/..%2Fkeys'))).toBe(404);
    expect(
      await changed((url) => {
        url.searchParams.set('expires', '9999999999999');
      }),
    ).toBe(403);
    expect(
      await changed((url) => {
        url.searchParams.delete('signature');
      }),
    ).toBe(403);
    expect(
      await changed((url) => {
        url.searchParams.append('signature', 'twice');
      }),
    ).toBe(403);
  });

  test('answer a range beyond the end with 416', async () => {
    const { blobs, base, signed } = await openForTest();
    const blob = blobOf(bytes);
    await upload(await signed(bytes, blob), bytes);
    const url = new URL(await blobs.signDownload(blob.blobId, minuteMs), base);
    expect((await fetch(url, { headers: { range: 'bytes=100000-' } })).status).toBe(416);
  });

  test('that an earlier process left unfinished are removed, those that are whole stay', async () => {
    const { blobs, directory, open, signed } = await openForTest();
    const blob = blobOf(bytes);
    await upload(await signed(bytes, blob), bytes);
    writeFileSync(join(directory, 'partial', 'left'), bytes);
    const later = open();
    expect(readdirSync(join(directory, 'partial'))).toEqual([]);
    expect(await later.existing([blob.blobId])).toEqual(await blobs.existing([blob.blobId]));
  });

  test('are unavailable, and not gone, while their directory is away', async () => {
    const { blobs, base, directory, signed } = await openForTest();
    const blob = blobOf(bytes);
    await upload(await signed(bytes, blob), bytes);
    renameSync(directory, `${directory}.away`);
    const away = { code: 'unavailable', retryAfterMs: 2_000 };
    await expect(blobs.check()).rejects.toMatchObject(away);
    await expect(blobs.existing([blob.blobId])).rejects.toMatchObject(away);
    await expect(blobs.delete([blob.blobId])).rejects.toMatchObject(away);
    expect((await fetch(new URL(await blobs.signDownload(blob.blobId, minuteMs), base))).status).toBe(503);
    expect(await upload(await signed(bytes), bytes)).toBe(503);
    renameSync(`${directory}.away`, directory);
    expect(await blobs.existing([blob.blobId])).toEqual([blob.blobId]);
  });
});
