import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { limits } from '../../protocol/limits.js';
import { eventually } from '../support/eventually.js';
import type { RawClient } from '../support/raw-client.js';
import { RawPair } from '../support/raw-pair.js';
import { TestServer } from '../support/server.js';

const readers = 4;
const messagesEach = 384;
/** Windows of the readers, and what the log keeps in memory for consumers that keep up. */
const maxHeldBytes = 32 * 1024 * 1024;
/** What is garbage already must not count, so the server collects it when it is told to. */
const collectOnSignal = ['--expose-gc', '--import', 'data:text/javascript,process.on("SIGUSR2", () => gc())'];

let server: TestServer;
const clients: RawClient[] = [];

beforeAll(async () => {
  server = await TestServer.start({ nodeArgs: collectOnSignal });
}, 120_000);
afterAll(async () => {
  for (const client of clients) client.terminate();
  await server.stop();
});

async function connect(...[pair, device]: [RawPair, RawPair['alice']]): Promise<RawClient> {
  const client = await pair.connect(device);
  clients.push(client);
  return client;
}

/** In JavaScript's heap and outside of it. */
async function heldBytes(): Promise<number> {
  process.kill(server.embedded.child.pid, 'SIGUSR2');
  const text = await server.metrics();
  const read = (name: string) => Number(new RegExp(`^heliograph_nodejs_${name}_bytes (\\S+)`, 'm').exec(text)?.[1]);
  return read('external_memory') + read('heap_size_used');
}

describe('readers whose sockets are not read', () => {
  test('cost the server their windows, however much is sent to them, and get all of it when they come back', async () => {
    const pairs = await Promise.all(Array.from({ length: readers }, () => RawPair.register(server)));
    const before = await heldBytes();
    const body = new Uint8Array(limits.maxBodyBytes);
    const sent = await Promise.all(
      pairs.map(async (pair) => {
        const [alice, bob] = [await connect(pair, pair.alice), await connect(pair, pair.bob)];
        bob.pause();
        const frames = Array.from({ length: messagesEach }, () => pair.message({ body }));
        for (const frame of frames) alice.send(frame);
        for (const frame of frames) expect(await alice.reply(frame.id)).toMatchObject({ type: 'accepted' });
        return frames.map(({ messageId }) => messageId);
      }),
    );
    await eventually(async () => {
      expect((await heldBytes()) - before).toBeLessThan(maxHeldBytes);
    });
    const got = await Promise.all(
      pairs.map(async (pair) => {
        const bob = await connect(pair, pair.bob);
        const ids = new Set<string>();
        while (ids.size < messagesEach) {
          const { seq, items } = await bob.next('deliver');
          for (const { messageId } of items) ids.add(messageId);
          bob.send({ type: 'ack', seq });
        }
        return [...ids];
      }),
    );
    expect(got).toEqual(sent);
  }, 60_000);
});
