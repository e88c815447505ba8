import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';

import type { MessageId } from '../../protocol/ids.js';
import { drainPauseView } from '../../protocol/rest/drain-pause.js';
import { eventually } from '../support/eventually.js';
import type { RawClient } from '../support/raw-client.js';
import { RawPair } from '../support/raw-pair.js';
import { runNode } from '../support/run-program.js';
import { sharedServer, type RunningServer } from '../support/server.js';

/** Longer than a session waits for a sign of its drain. */
const pausedMs = 18_000;

let server: RunningServer;
const clients: RawClient[] = [];

beforeAll(async () => {
  server = await sharedServer();
}, 120_000);
// Other suites come after it, also when this one failed.
afterAll(() => operate('--resume'));
afterEach(() => {
  for (const client of clients.splice(0)) client.terminate();
});

const operate = (...args: readonly string[]) =>
  runNode(['dist/cli/main.js', 'drains', ...args, '--server', server.adminUrl], { env: server.operatorEnvironment }).ended;
const inboxRows = () => server.metric('heliograph_pipeline_inbox_rows_total');
const localDrains = () => server.metric('heliograph_gateway_local_drains_total');
const leftMs = async () => drainPauseView.parse(JSON.parse((await operate('--json')).stdout)).leftMs;

async function sends(pair: RawPair, client: RawClient): Promise<MessageId> {
  const message = pair.message();
  client.send(message);
  expect(await client.reply(message.id)).toMatchObject({ type: 'accepted' });
  return message.messageId;
}

test('an operator holds drains back: devices are online and talk, and get what waited once it is over', async () => {
  const [pair, others] = [await RawPair.register(server), await RawPair.register(server)];
  const [alice, carol, dave] = await Promise.all([pair.connect(pair.alice), others.connect(others.alice), others.connect(others.bob)]);
  clients.push(alice, carol, dave);
  const rowsBefore = await inboxRows();
  const waiting = [await sends(pair, alice), await sends(pair, alice), await sends(pair, alice)];
  await eventually(async () => expect(await inboxRows()).toBeGreaterThanOrEqual(rowsBefore + 3));

  const drainedBefore = await localDrains();
  expect(await leftMs()).toBe(0);
  const paused = await operate('--pause', '5');
  expect(paused).toMatchObject({ code: 0, stdout: expect.stringContaining('held back for 5 more min') });
  expect(await leftMs()).toBeGreaterThan(4 * 60_000);
  // As long as each process takes to ask.
  await sleep(2_000);
  const bob = await pair.connect(pair.bob);
  clients.push(bob);
  const live = await sends(others, carol);
  expect((await dave.next('deliver')).items.map(({ messageId }) => messageId)).toEqual([live]);
  await sleep(pausedMs);
  expect(bob.unread.filter(({ type }) => type === 'deliver' || type === 'inbox.empty')).toEqual([]);
  expect(await localDrains()).toBe(drainedBefore);

  expect(await operate('--resume')).toMatchObject({ code: 0, stdout: expect.stringContaining('not held back') });
  const { seq, items } = await bob.next('deliver', undefined, 20_000);
  expect(items.map(({ messageId }) => messageId)).toEqual(waiting);
  bob.send({ type: 'ack', seq });
  await bob.next('inbox.empty');
}, 120_000);

test('nobody holds them back for longer than an hour', async () => {
  expect(await operate('--pause', '61')).toMatchObject({ code: 1, stderr: expect.stringContaining('a whole number from 1 to 60') });
  expect(await leftMs()).toBe(0);
});
