import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

import { beforeAll, describe, expect, test } from '@jest/globals';

import { openDevice, type ConversationId, type Device, type Message } from '../../sdk/index.js';
import { eventually } from '../support/eventually.js';
import { sharedServer, type RunningServer } from '../support/server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const rounds = 12;
const groupRounds = 8;
const settleMs = 60_000;
const killedDevice = resolve('dist/tests/programs/killed-device.js');
let server: RunningServer;
const suite = randomUUID().slice(0, 8);
const handleOf = (name: string) => `${name}-${suite}`;

beforeAll(async () => {
  server = await sharedServer();
}, 120_000);

/** What a device promised, over all of its lives. */
class Witness {
  readonly sent = new Set<string>();
  readonly told = new Set<string>();
  readonly directory = temporaryDirectory();
  readonly handle: string;
  conversationId: ConversationId | undefined;
  #process: ChildProcess | undefined;

  constructor(name: string) {
    this.handle = handleOf(name);
  }

  /** Resolves when the device has its conversation. */
  async start(peer: string): Promise<void> {
    const args = [killedDevice, server.publicUrl, this.directory.path, this.handle, peer];
    const device = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { PATH: process.env['PATH'] } });
    this.#process = device;
    await new Promise<void>((resolve, reject) => {
      device.once('exit', () => reject(new Error(`${this.handle} ended by itself`)));
      createInterface({ input: device.stdout }).on('line', (line) => {
        const [word, id = ''] = line.split(' ');
        if (word === 'sent') this.sent.add(id);
        else if (word === 'told') this.told.add(id);
        else if (word === 'ready') {
          this.conversationId = id as ConversationId;
          resolve();
        }
      });
    });
  }

  write(): void {
    this.#process?.stdin?.write('write\n');
  }

  async kill(): Promise<void> {
    const device = this.#process;
    this.#process = undefined;
    if (device === undefined) return;
    const closed = once(device, 'close');
    device.kill('SIGKILL');
    await closed;
  }
}

async function historyOf(device: Device, conversationId: ConversationId): Promise<readonly Message[]> {
  const newestFirst: Message[] = [];
  for (let before: number | undefined; ; before = newestFirst.at(-1)?.position) {
    const page = await device.history(conversationId, { limit: 100, before });
    if (page.length === 0) return newestFirst.reverse();
    newestFirst.push(...page);
  }
}

const ids = (messages: readonly Message[]) => messages.map(({ messageId }) => messageId as string);

describe('two devices that are killed again and again while both write', () => {
  test('lose nothing that was promised, open everything, and agree with the server on one order', async () => {
    const witnesses = [new Witness('alice'), new Witness('bob')] as const;
    const [alice, bob] = witnesses;
    // Registered first, so that each finds the other.
    for (const { handle, directory } of witnesses) await (await openDevice({ server: server.publicUrl, directory: directory.path, handle })).close();
    try {
      for (let round = 0; round < rounds; round += 1) {
        await Promise.all([alice.start(bob.handle), bob.start(alice.handle)]);
        await writeUntilKilled(witnesses);
      }
      await agree(witnesses);
    } finally {
      await endAll(witnesses);
    }
  }, 120_000);

  test('do so in a group too, while somebody else comes and goes in it', async () => {
    const witnesses = [new Witness('carol'), new Witness('dave')] as const;
    for (const { handle, directory } of witnesses) await (await openDevice({ server: server.publicUrl, directory: directory.path, handle })).close();
    const places = [temporaryDirectory(), temporaryDirectory()] as const;
    const [owner, guest] = (await Promise.all(
      places.map(({ path }, index) => openDevice({ server: server.publicUrl, directory: path, handle: handleOf(`onlooker-${index}`) })),
    )) as [Device, Device];
    try {
      for (const device of [owner, guest]) device.connect();
      const { conversationId } = await owner.groups.create({ title: 'Crash', members: witnesses.map(({ handle }) => handle) });
      for (let round = 0; round < groupRounds; round += 1) {
        await Promise.all(witnesses.map((witness) => witness.start(`#${conversationId}`)));
        const killed = writeUntilKilled(witnesses);
        await owner.groups.add(conversationId, [guest.handle]);
        await owner.groups.remove(conversationId, guest.accountId);
        await killed;
      }
      await agree(witnesses, owner);
      const ofGuest = guest.messages(conversationId).map(({ content }) => content.type);
      expect(new Set(ofGuest)).not.toContain('undecryptable');
      expect(ofGuest.filter((type) => type === 'event')).toHaveLength(2 * groupRounds);
    } finally {
      await Promise.all([owner, guest].map((device) => device.close()));
      for (const place of places) place.remove();
      await endAll(witnesses);
    }
  }, 120_000);
});

type Witnesses = readonly [Witness, Witness];

async function writeUntilKilled(witnesses: Witnesses): Promise<void> {
  for (const witness of witnesses) witness.write();
  await Promise.all(
    witnesses.map(async (witness) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 500));
      await witness.kill();
    }),
  );
}

async function endAll(witnesses: Witnesses): Promise<void> {
  for (const witness of witnesses) {
    await witness.kill();
    witness.directory.remove();
  }
}

const isShown = ({ content }: Message) => content.type === 'text' || content.type === 'event';

/** `onlooker`: was there all the time too. */
async function agree(witnesses: Witnesses, onlooker?: Device): Promise<void> {
  const devices = await Promise.all(
    witnesses.map(async ({ directory, handle, told }) => {
      const device = await openDevice({ server: server.publicUrl, directory: directory.path, handle });
      device.on('message', ({ messageId }) => void told.add(messageId));
      device.connect();
      return device;
    }),
  );
  try {
    const conversationId = witnesses[0].conversationId as ConversationId;
    await Promise.all(devices.map((device) => device.idle()));
    const read = () => devices.map((device) => device.messages(conversationId));
    const [ofAlice, ofBob] = await eventually(() => {
      const [one = [], other = []] = read();
      expect(ids(one)).toEqual(ids(other));
      if (onlooker !== undefined) expect(ids(onlooker.messages(conversationId))).toEqual(ids(one));
      return [one, other];
    }, settleMs);
    const all = ids(ofAlice);
    expect(new Set(all).size).toBe(all.length);
    const sentAndLost = witnesses.flatMap(({ sent }) => [...sent].filter((id) => !all.includes(id)));
    expect(sentAndLost).toEqual([]);
    expect([...ofAlice, ...ofBob, ...(onlooker?.messages(conversationId) ?? [])].filter((message) => !isShown(message))).toEqual([]);
    // It is written beside the deliveries, and may come after them.
    const history = await eventually(async () => {
      const kept = await historyOf(devices[0] as Device, conversationId);
      expect(ids(kept)).toEqual(all);
      return kept;
    });
    expect(history.filter((message) => !isShown(message))).toEqual([]);
    await eventually(() => {
      for (const [index, messages] of read().entries()) {
        const received = messages.filter(({ state }) => state === undefined);
        expect(ids(received).filter((id) => witnesses[index]?.told.has(id) !== true)).toEqual([]);
        expect(messages.every(({ state }) => state === undefined || state === 'delivered' || state === 'read')).toBe(true);
      }
    });
    expect(all.length).toBeGreaterThan(rounds);
  } finally {
    await Promise.all(devices.map((device) => device.close()));
  }
}
