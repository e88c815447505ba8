import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { HeliographCluster } from '../../bench/process/heliograph-cluster.js';
import { HeliographServer } from '../../bench/process/heliograph-server.js';
import { DemoDevice } from './demo-device.js';
import { drainWavesUrl, listDrainWaves } from './drain-waves.js';
import { findViolations, type Witness } from './find-violations.js';

const settleTimeoutMs = 60_000;
const pollMs = 100;

export interface DemoOptions {
  /** That each device sends in the first phase. */
  readonly messages: number;
  /** On the engines of `npm run stack`: two processes of each role behind HAProxy, in place of one server. */
  readonly distributed: boolean;
  /** Keeps the server until Ctrl-C, so that the workflows can be looked at. */
  readonly keep: boolean;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

interface Person {
  readonly device: DemoDevice;
  readonly sent: { messageId: string; text: string }[];
}

/** Plays the demo against a fresh server and proves its promises. Answers what was violated: nothing, if all is well. */
export async function runDemo(options: DemoOptions): Promise<readonly string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'heliograph-demo-'));
  // Started by root, PostgreSQL runs as somebody else, who has to pass.
  chmodSync(directory, 0o711);
  const stage = new Stage(directory, options);
  const abort = () => void stage.end();
  options.signal.addEventListener('abort', abort, { once: true });
  try {
    return await stage.play();
  } finally {
    options.signal.removeEventListener('abort', abort);
    await stage.end();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

type Server = HeliographServer | HeliographCluster;

class Stage {
  readonly #directory: string;
  readonly #options: DemoOptions;
  readonly #startMs = performance.now();
  #server: Server | undefined;
  readonly #people: Person[] = [];

  constructor(directory: string, options: DemoOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  async play(): Promise<readonly string[]> {
    const { messages, keep, signal } = this.#options;
    const server = await this.#start();
    this.#server = server;
    const { alice, bob } = await this.#step('Alice and Bob register, each in a process of its own', () => this.#register(server));
    await this.#step(`${messages} messages each way, at the same time, with receipts`, async () => {
      await Promise.all([this.#send(alice, 'hello', messages), this.#send(bob, 'hi', messages)]);
      await this.#delivered(alice, alice.sent.length);
      await this.#delivered(bob, bob.sent.length);
      await bob.device.ask('markRead', {});
      await this.#until('Alice sees that Bob read', async () => (await alice.device.ask('counts', {})).read === alice.sent.length);
    });
    const missed = await this.#killBob(alice, bob);
    const waves = await this.#step(`Bob returns: a drain wave brings what he missed`, () => this.#return(server, alice, bob));
    await this.#killServer(server, alice, bob);
    const violations = await this.#prove(alice, bob);
    this.#report({ missed, waves });
    this.#options.say(`\nThe waves in the Temporal Web UI: ${drainWavesUrl(server)}`);
    if (keep) {
      this.#options.say('The server runs on until Ctrl-C.');
      await sleep(2 ** 31 - 1, undefined, { signal }).catch(() => undefined);
    } else this.#options.say('(the server is stopped now; `npm run demo -- --keep` leaves it running)');
    return violations;
  }

  /** Ends every process of the demo. */
  async end(): Promise<void> {
    await Promise.all(this.#people.map(({ device }) => device.kill()));
    await this.#server?.stop();
  }

  #start(): Promise<Server> {
    const dist = dirname(dirname(import.meta.dirname));
    if (!this.#options.distributed) {
      return this.#step('a fresh server starts', () => HeliographServer.start({ dist, dataDirectory: join(this.#directory, 'data') }));
    }
    const name = `demo_${Date.now().toString(36)}`;
    return this.#step('two gateways, two pipelines, two Temporal workers and HAProxy start', () => HeliographCluster.start({ dist, name }));
  }

  async #register(server: Server): Promise<{ readonly alice: Person; readonly bob: Person }> {
    const alice = await this.#join('alice');
    const bob = server instanceof HeliographCluster ? await this.#joinElsewhere(server) : await this.#join('bob');
    await alice.device.ask('meet', { with: bob.device.handle });
    await bob.device.ask('meet', { with: alice.device.handle });
    return { alice, bob };
  }

  /** Which gateway an account goes to is its id's chance: tries Bobs until there is one whose gateway is not Alice's. */
  async #joinElsewhere(cluster: HeliographCluster): Promise<Person> {
    for (let attempt = 1; ; attempt += 1) {
      const bob = await this.#join(attempt === 1 ? 'bob' : `bob-${attempt}`);
      let sessions: readonly number[] = [];
      await this.#until('both are online', async () => {
        sessions = await cluster.sessions();
        return sessions.reduce((sum, count) => sum + count, 0) === 2;
      });
      if (!sessions.includes(2)) {
        this.#options.say('  They are on different gateways.');
        return bob;
      }
      await bob.device.kill();
      await this.#until('only Alice is online', async () => (await cluster.sessions()).includes(1));
    }
  }

  async #join(handle: string): Promise<Person> {
    const person = this.#person(handle);
    this.#people.push(person);
    await person.device.start();
    return person;
  }

  #person(handle: string): Person {
    return { device: new DemoDevice(this.#server?.publicUrl ?? '', this.#directory, handle), sent: [] };
  }

  async #send({ device, sent }: Person, words: string, count: number, pauseMs = 5): Promise<void> {
    const texts = Array.from({ length: count }, (_, index) => `${words} ${index + 1} of ${count}`);
    const ids = await device.ask('send', { texts, pauseMs });
    ids.forEach((messageId, index) => sent.push({ messageId, text: texts[index] ?? '' }));
  }

  async #killBob(alice: Person, bob: Person): Promise<number> {
    const count = this.#options.messages;
    return this.#step(`Bob's device is killed in the middle of ${count} more; Alice goes on`, async () => {
      const before = (await bob.device.ask('counts', {})).received;
      const sending = this.#send(alice, 'are you there', count);
      await this.#until('Bob got some of them', async () => (await bob.device.ask('counts', {})).received > before + count / 10);
      await bob.device.kill();
      await sending;
      await alice.device.ask('idle', {});
      return alice.sent.length - (await alice.device.ask('counts', {})).delivered;
    });
  }

  async #return(server: Server, alice: Person, bob: Person): Promise<readonly string[]> {
    await bob.device.start();
    await bob.device.ask('meet', { with: alice.device.handle });
    await this.#delivered(alice, alice.sent.length);
    await this.#until('Bob is online', async () => (await bob.device.ask('counts', {})).online);
    return listDrainWaves(server);
  }

  async #killServer(server: Server, alice: Person, bob: Person): Promise<void> {
    const count = this.#options.messages;
    await this.#step(
      `${this.#options.distributed ? 'every process of the server' : 'the server'} is killed while both send ${count}, and starts again`,
      async () => {
        const sending = Promise.all([this.#send(alice, 'through a crash', count), this.#send(bob, 'me too', count)]);
        await sleep(count * 2);
        await server.kill();
        await server.restart();
        await sending;
        await Promise.all([alice.device.ask('idle', {}), bob.device.ask('idle', {})]);
        await this.#delivered(alice, alice.sent.length);
        await this.#delivered(bob, bob.sent.length);
      },
    );
  }

  async #prove(alice: Person, bob: Person): Promise<readonly string[]> {
    return this.#step('proof, from both stores and the history', async () => {
      const witness = async ({ device, sent }: Person): Promise<Witness> => ({
        name: device.handle,
        sent,
        snapshot: await device.ask('snapshot', {}),
      });
      const [one, other] = [await witness(alice), await witness(bob)];
      const { messages } = one.snapshot;
      this.#options.say(`\n  Transcript (${messages.length} messages, as both have them):`);
      const line = ({ mine, text }: (typeof messages)[number]) => `    ${mine ? 'alice' : 'bob  '}  ${text}`;
      for (const message of messages.slice(0, 4)) this.#options.say(line(message));
      this.#options.say('    ...');
      for (const message of messages.slice(-4)) this.#options.say(line(message));
      this.#options.say('');
      return findViolations(one, other);
    });
  }

  #report({ missed, waves }: { readonly missed: number; readonly waves: readonly string[] }): void {
    const talked = this.#people.filter(({ sent: of }) => of.length > 0);
    const sent = talked.map(({ device, sent: of }) => `${device.handle} ${of.length}`).join(', ');
    this.#options.say(`  sent and accepted         ${sent}`);
    this.#options.say(`  queued while Bob was away ${missed}`);
    this.#options.say(`  drain waves               ${waves.length}${waves.length === 0 ? '' : ` (${waves.slice(0, 3).join(', ')})`}`);
    this.#options.say(`  took                      ${((performance.now() - this.#startMs) / 1_000).toFixed(1)} s`);
  }

  async #delivered({ device }: Person, count: number): Promise<void> {
    await this.#until(`${device.handle} sees ${count} delivered`, async () => (await device.ask('counts', {})).delivered === count);
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadlineMs = performance.now() + settleTimeoutMs;
    while (!(await holds())) {
      this.#options.signal.throwIfAborted();
      if (performance.now() > deadlineMs) throw new Error(`not within ${settleTimeoutMs / 1_000} s: ${what}`);
      await sleep(pollMs);
    }
  }

  async #step<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    this.#options.signal.throwIfAborted();
    const startMs = performance.now();
    const result = await work();
    this.#options.say(`✓ ${what} (${((performance.now() - startMs) / 1_000).toFixed(1)} s)`);
    return result;
  }
}
