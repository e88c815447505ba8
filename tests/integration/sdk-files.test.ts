import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { stackEndpoints } from '../../app/stack/endpoints.js';
import type { ConversationId, Device, FileContent } from '../../sdk/index.js';
import { startBreakingProxy, type BreakingProxy } from '../support/breaking-proxy.js';
import { eventually } from '../support/eventually.js';
import { LiveDevices } from '../support/live-devices.js';
import { runNode } from '../support/run-program.js';
import { isDistributed, TestServer } from '../support/server.js';

const deletedMs = 60_000;
/** What Node lets lie about before it collects; far below what the file has. */
/** Half of the file. */
const mostGrowthBytes = 50_000_000;
const collector = ['--expose-gc', '--import', resolve('dist/bench/process/collect-on-signal.js')];
let server: TestServer;
let proxy: BreakingProxy;
const live = new LiveDevices(() => server.publicUrl);

beforeAll(async () => {
  proxy = await startBreakingProxy(() => (isDistributed ? stackEndpoints.s3Url : server.publicUrl));
  const environment = { HELIOGRAPH_MEDIA_UPLOAD_MS: '5000', HELIOGRAPH_MEDIA_GRACE_MS: '0', HELIOGRAPH_MEDIA_BUCKET_MS: '1000' };
  server = await TestServer.start({ each: 1, environment: { ...environment, ...(isDistributed ? { HELIOGRAPH_S3_PUBLIC_URL: proxy.url } : {}) } });
}, 120_000);
afterEach(() => live.end());
afterAll(async () => {
  await server.stop();
  await proxy.close();
});

async function pair() {
  const directories = { alice: live.directory(), bob: live.directory(), files: live.directory() };
  const [alice, bob] = [await live.open(directories.alice, live.handle()), await live.open(directories.bob, live.handle())];
  const { conversationId } = await alice.conversationWith(bob.handle);
  return { alice, bob, directories, conversationId, path: (name: string) => join(directories.files, name) };
}

function written(path: string, size: number): Buffer {
  const bytes = randomBytes(size);
  writeFileSync(path, bytes);
  return bytes;
}

/** The file of the newest message, once it is there. */
const received = (device: Device, conversationId: ConversationId): Promise<FileContent> =>
  eventually(() => {
    const content = device.messages(conversationId).at(-1)?.content;
    if (content?.type !== 'file') throw new Error('no file came yet');
    return content;
  });

/** Until then it can be saved. */
const goneFor = (device: Device, content: FileContent, path: string, reason: string) =>
  eventually(async () => {
    rmSync(path, { force: true });
    await expect(device.files.save(content, path)).rejects.toMatchObject({ code: 'gone', detail: { reason, goneAtMs: expect.any(Number) } });
  }, deletedMs);

describe('a file', () => {
  test('comes as it was sent, with its name, and is deleted at the server when everybody has it', async () => {
    const { alice, bob, directories, conversationId, path } = await pair();
    const bytes = written(path('holiday.jpg'), 1_234_567);
    const sent = await alice.files.send(conversationId, path('holiday.jpg'), { mediaType: 'image/jpeg', text: 'our tree' });
    expect(sent.content).toMatchObject({ type: 'file', name: 'holiday.jpg', mediaType: 'image/jpeg', text: 'our tree', size: 1_234_567 });
    const content = await received(bob, conversationId);
    await bob.files.save(content, path('saved.jpg'));
    expect(readFileSync(path('saved.jpg')).equals(bytes)).toBe(true);
    await goneFor(alice, content, path('again.jpg'), 'fetched');
    for (const directory of [directories.alice, directories.bob]) expect(readdirSync(join(directory, 'files'))).toEqual([]);
    expect(readdirSync(directories.files).sort()).toEqual(['holiday.jpg', 'saved.jpg']);
  }, 90_000);

  test('that was fetched offline of the socket is told at the next connection, by another run of the app too', async () => {
    const { alice, bob, directories, conversationId, path } = await pair();
    written(path('a'), 10);
    await alice.files.send(conversationId, path('a'));
    const content = await received(bob, conversationId);
    await live.close(bob);
    const away = await live.reopenUnconnected(directories.bob);
    await away.files.save(content, path('b'));
    await away.close();
    const back = await live.open(directories.bob);
    await goneFor(back, content, path('c'), 'fetched');
  }, 90_000);

  test('is taken back from the server when its message is deleted for everyone', async () => {
    const { alice, bob, conversationId, path } = await pair();
    written(path('a'), 1_000);
    const { messageId } = await alice.files.send(conversationId, path('a'));
    const content = await received(bob, conversationId);
    await alice.send(conversationId, { type: 'delete', messageId });
    await goneFor(bob, content, path('b'), 'revoked');
    await eventually(() => expect(bob.messages(conversationId).map((message) => message.content)).toEqual([{ type: 'deleted' }]));
    expect(existsSync(path('b'))).toBe(false);
  }, 60_000);

  test('of no bytes is one too', async () => {
    const { alice, bob, conversationId, path } = await pair();
    written(path('empty'), 0);
    await alice.files.send(conversationId, path('empty'));
    await bob.files.save(await received(bob, conversationId), path('saved'));
    expect(readFileSync(path('saved'))).toHaveLength(0);
  });

  test('is not written over something, and what is no file is not sent', async () => {
    const { alice, bob, directories, conversationId, path } = await pair();
    written(path('a'), 10);
    await alice.files.send(conversationId, path('a'));
    const content = await received(bob, conversationId);
    await expect(bob.files.save(content, path('a'))).rejects.toMatchObject({ code: 'conflict', detail: { field: 'path' } });
    await expect(alice.files.send(conversationId, directories.files)).rejects.toMatchObject({ code: 'invalid_request', detail: { field: 'file' } });
    await expect(alice.files.send(conversationId, path('missing'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(alice.files.send(conversationId, path('a'), { name: '../a' })).rejects.toMatchObject({ code: 'invalid_request' });
    writeFileSync(path('huge'), '');
    truncateSync(path('huge'), 105_000_000);
    await expect(alice.files.send(conversationId, path('huge'))).rejects.toMatchObject({ code: 'too_large', detail: { field: 'file' } });
    expect(alice.messages(conversationId)).toHaveLength(1);
  });

  test('is refused when it is not the one of its message, and nothing is left of it', async () => {
    const { alice, bob, directories, conversationId, path } = await pair();
    written(path('a'), 100_000);
    await alice.files.send(conversationId, path('a'));
    const content = await received(bob, conversationId);
    const others = [{ sha256: randomBytes(32) }, { key: randomBytes(32) }, { size: content.size - 50_000 }];
    for (const other of others) await expect(bob.files.save({ ...content, ...other }, path('b'))).rejects.toMatchObject({ code: 'undecryptable' });
    expect(readdirSync(directories.files)).toEqual(['a']);
    expect(readdirSync(join(directories.bob, 'files'))).toEqual([]);
    await bob.files.save(content, path('b'));
  });

  test('ends when the device is closed, or the caller ends it', async () => {
    const { alice, conversationId, path } = await pair();
    written(path('a'), 20_000_000);
    const ended = new Error('the user changed her mind');
    await expect(alice.files.send(conversationId, path('a'), { signal: AbortSignal.abort(ended) })).rejects.toBe(ended);
    const sending = alice.files.send(conversationId, path('a'));
    const outcome = expect(sending).rejects.toMatchObject({ code: 'closed' });
    await live.close(alice);
    await outcome;
    await expect(alice.files.send(conversationId, path('a'))).rejects.toMatchObject({ code: 'closed' });
  });
});

test('a download that breaks goes on where it was', async () => {
  const { alice, bob, directories, conversationId, path } = await pair();
  const bytes = written(path('a'), 5_000_000);
  await alice.files.send(conversationId, path('a'));
  const content = await received(bob, conversationId);
  await live.close(bob);
  const kept = join(directories.bob, 'files');
  proxy.breakDownloads(2, () => Math.max(0, ...readdirSync(kept).map((name) => statSync(join(kept, name)).size)));
  // Of S3 the URLs lead to the proxy.
  const behind = await live.reopenUnconnected(directories.bob, isDistributed ? server.publicUrl : proxy.url);
  await behind.files.save(content, path('b'));
  expect(readFileSync(path('b')).equals(bytes)).toBe(true);
  const starts = proxy.starts();
  expect(starts[0]).toBe(0);
  expect(starts).toHaveLength(3);
  expect(starts[1]).toBeGreaterThan(0);
  expect(starts[2]).toBeGreaterThan(starts[1] ?? 0);
  await behind.close();
}, 60_000);

describe('a file of 100 MB', () => {
  let shipped: TestServer;
  const people = new LiveDevices(() => shipped.publicUrl);
  beforeAll(async () => {
    shipped = await TestServer.start(isDistributed ? { each: 1 } : { nodeArgs: collector });
  }, 90_000);
  afterAll(async () => {
    await people.end();
    await shipped.stop();
  });

  test('goes through devices and server without being held in their memory', async () => {
    const [ofAlice, ofBob, ofFiles] = [people.directory(), people.directory(), people.directory()];
    const [alice, bob] = [await people.open(ofAlice, people.handle()), await people.open(ofBob, people.handle())];
    const { conversationId } = await alice.conversationWith(bob.handle);
    await Promise.all([people.close(alice), people.close(bob)]);
    const [large, saved] = [join(ofFiles, 'large'), join(ofFiles, 'saved')];
    for (let part = 0; part < 100; part += 1) writeFileSync(large, randomBytes(1_000_000), { flag: 'a' });
    const run = async (directory: string, ...args: readonly string[]) => {
      const program = ['--expose-gc', '--import', 'tsx', 'tests/support/file-device.ts', shipped.publicUrl, directory, conversationId, ...args];
      const { code, stdout, stderr } = await runNode(program).ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return JSON.parse(stdout) as { readonly grewBytes: number };
    };
    // Bytes in S3 do not come by the server.
    const watched = isDistributed ? undefined : watchHeld(shipped);
    const grew = [await run(ofAlice, 'send', large), await run(ofBob, 'save', saved)].map(({ grewBytes }) => grewBytes);
    if (watched !== undefined) grew.push(await watched());
    expect(digestOf(saved)).toBe(digestOf(large));
    for (const bytes of grew) expect(bytes).toBeLessThan(mostGrowthBytes);
  }, 180_000);
});

/** Of a server that collects its garbage when it is told to. Answers what ends it, and says how much more was held at most than at first. */
function watchHeld(server: TestServer): () => Promise<number> {
  const ending = new AbortController();
  const heldBytes = async () => {
    process.kill(server.embedded.child.pid, 'SIGUSR2');
    await sleep(50);
    return (await server.metric('heliograph_nodejs_external_memory_bytes')) + (await server.metric('heliograph_nodejs_heap_size_used_bytes'));
  };
  const watching = (async () => {
    const atFirst = await heldBytes();
    let most = atFirst;
    while (!ending.signal.aborted) {
      await sleep(300);
      most = Math.max(most, await heldBytes());
    }
    return most - atFirst;
  })();
  return () => {
    ending.abort();
    return watching;
  };
}

function digestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
