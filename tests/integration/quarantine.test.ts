import { afterEach, beforeAll, expect, test } from '@jest/globals';

import { closeCodes } from '../../protocol/close-codes.js';
import type { MessageId, Position } from '../../protocol/ids.js';
import { receiptsView } from '../../protocol/rest/conversation.js';
import type { Explanation } from '../../protocol/rest/explanation.js';
import { quarantineList, quarantineRelease } from '../../protocol/rest/quarantine.js';
import { eventually } from '../support/eventually.js';
import type { RawClient } from '../support/raw-client.js';
import { RawPair } from '../support/raw-pair.js';
import { runNode } from '../support/run-program.js';
import { sharedServer, type RunningServer } from '../support/server.js';

let server: RunningServer;
const clients: RawClient[] = [];
const patienceMs = 60_000;

beforeAll(async () => {
  server = await sharedServer();
}, 120_000);
afterEach(() => {
  for (const client of clients.splice(0)) client.terminate();
});

const operate = (...args: readonly string[]) =>
  runNode(['dist/cli/main.js', 'quarantine', ...args, '--server', server.adminUrl, '--json'], { env: server.operatorEnvironment }).ended;

/** An app that hangs at one item, and still answers. What it got before is acked. */
class HangingApp {
  readonly got: MessageId[] = [];
  readonly gaps: string[] = [];
  readonly #pair: RawPair;

  constructor(pair: RawPair) {
    this.#pair = pair;
  }

  /** Resolves with the code with which the server closes, or when its inbox is empty. */
  async run(hangsAt: MessageId | undefined): Promise<number | 'caught up'> {
    const client = await this.#pair.connect(this.#pair.bob);
    clients.push(client);
    const talking = setInterval(() => {
      client.send({ type: 'ping', id: 1 });
    }, 1_000);
    try {
      return await Promise.race([client.closed.then(({ code }) => code), this.#take(client, hangsAt)]);
    } finally {
      clearInterval(talking);
      client.terminate();
    }
  }

  #take(client: RawClient, hangsAt: MessageId | undefined): Promise<'caught up'> {
    void this.#hearGaps(client);
    const caughtUp = client.next('inbox.empty', undefined, patienceMs).then(() => 'caught up' as const);
    return Promise.race([caughtUp, this.#takeItems(client, hangsAt)]);
  }

  async #takeItems(client: RawClient, hangsAt: MessageId | undefined): Promise<never> {
    for (;;) {
      const { seq, items } = await client.next('deliver', undefined, patienceMs);
      if (items.some(({ messageId }) => messageId === hangsAt)) return await new Promise(() => undefined);
      this.got.push(...items.map(({ messageId }) => messageId));
      client.send({ type: 'ack', seq });
    }
  }

  async #hearGaps(client: RawClient): Promise<void> {
    for (;;) {
      const gap = await client.next('gap', undefined, patienceMs).catch(() => undefined);
      if (gap === undefined) return;
      this.gaps.push(`${gap.reason}: ${gap.messageIds?.join(' ')}`);
    }
  }
}

test('an item at which an app hangs is kept from it, the rest arrives, and an operator lets it go again', async () => {
  const pair = await RawPair.register(server);
  const alice = await pair.connect(pair.alice);
  clients.push(alice);
  const sent: MessageId[] = [];
  const positions: Position[] = [];
  for (let index = 0; index < 3; index += 1) {
    const message = pair.message();
    alice.send(message);
    const reply = await alice.reply(message.id);
    if (reply.type !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(reply)}`);
    sent.push(message.messageId);
    positions.push(reply.position);
  }
  const [, poison] = sent as [MessageId, MessageId, MessageId];
  const get = async (path: string): Promise<unknown> => {
    const response = await fetch(`${server.publicUrl}/v1/${path}`, { headers: { authorization: `Bearer ${pair.alice.token}` } });
    return response.json();
  };
  const stateOf = async (messageId: MessageId) => ((await get(`messages/${messageId}/explain`)) as Explanation).accounts[0]?.state;
  const receiptOfBob = async () => {
    const { items } = receiptsView.parse(await get(`conversations/${pair.conversationId}/receipts`));
    return items.find(({ accountId }) => accountId === pair.bob.accountId);
  };
  await eventually(async () => expect(await stateOf(poison)).toBe('queued'));

  const app = new HangingApp(pair);
  const ends: (number | 'caught up')[] = [];
  while (ends.at(-1) !== 'caught up' && ends.length < 6) ends.push(await app.run(poison));
  const { code: internal } = closeCodes.internal;
  expect(ends).toEqual([internal, internal, internal, 'caught up']);
  expect(app.got).toEqual(sent.filter((messageId) => messageId !== poison));
  // With every drain.
  expect(new Set(app.gaps)).toEqual(new Set([`quarantined: ${poison}`]));
  // Or that it cannot be said just now: what was written a moment ago has a second to be in history.
  await eventually(async () => expect(await stateOf(poison)).toBe('quarantined'));
  await eventually(async () => expect(await stateOf(sent[2] as MessageId)).toBe('delivered'));
  await eventually(async () => expect(await receiptOfBob()).toMatchObject({ deliveredPosition: positions[2], except: [positions[1]] }));
  const told = await alice.next('receipts', ({ items }) => items.some(({ except }) => except !== undefined), patienceMs);
  expect(told.items.find(({ except }) => except !== undefined)).toMatchObject({ accountId: pair.bob.accountId, except: [positions[1]] });

  const device = { accountId: pair.bob.accountId, deviceId: pair.bob.deviceId };
  const { stdout: listed } = await operate();
  expect(quarantineList.parse(JSON.parse(listed)).items).toContainEqual(expect.objectContaining({ device, messageId: poison }));
  const bob = await pair.connect(pair.bob);
  clients.push(bob);
  await bob.next('inbox.empty');
  const { stdout: released } = await operate('--release', poison);
  expect(quarantineRelease.parse(JSON.parse(released))).toEqual({ messageId: poison, devices: [device] });
  const { seq, items } = await bob.next('deliver');
  expect(items.map(({ messageId }) => messageId)).toEqual([poison]);
  bob.send({ type: 'ack', seq });
  await eventually(async () => expect(await stateOf(poison)).toBe('delivered'));
  await alice.next('receipts', ({ items }) => items.some(({ arrived }) => arrived?.[0] === positions[1]), patienceMs);
  await eventually(async () => expect(await receiptOfBob()).not.toHaveProperty('except'));
  expect(await operate('--release', poison)).toMatchObject({ code: 1, stderr: expect.stringContaining('in quarantine for no device') });
}, 180_000);
