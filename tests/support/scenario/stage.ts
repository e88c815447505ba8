import { setTimeout as sleep } from 'node:timers/promises';

import { deviceKey } from '../../../protocol/ids.js';
import { isDistributed, type TestServer } from '../server.js';
import { temporaryDirectory, type TemporaryDirectory } from '../temporary-directory.js';
import { CallFailure, DeviceProcess } from './device-process.js';
import { Entitlement } from './entitlement.js';
import type { HostAnswers, HostCalls, HostEvent } from './host-calls.js';
import { Names } from './names.js';
import { Recorder } from './recorder.js';
import type { Window } from './record.js';
import type { DeviceOfScript, Name, Script } from './script.js';

const retryEveryMs = 100;
const giveUpAfterMs = 90_000;
/** Between gateways a change is announced; who misses that, as when its process is killed, keeps a roster for 30 s (app/profiles/sizes.ts). */
const announcedWithinMs = isDistributed ? 1_000 : 0;
const rosterAgeMs = isDistributed ? 31_000 : 0;

/** By their codes. */
interface Refusals {
  /** Of a repetition of what took effect before. */
  readonly settled?: readonly string[];
  /** Of what can be done a moment later. */
  readonly passing?: readonly string[];
}

/** A running server, and processes of devices on it, under the names of a script. */
export class Stage {
  readonly server: TestServer;
  readonly names = new Names();
  readonly recorder: Recorder;
  readonly #seed: number;
  readonly #processes = new Map<Name, DeviceProcess>();
  readonly #hostOf = new Map<Name, Name>();
  readonly #directories = new Map<Name, TemporaryDirectory>();
  /** By the device that waits for its link. */
  readonly #onCode = new Map<Name, (code: string) => void>();

  constructor(server: TestServer, { seed, hosts, conversations }: Script) {
    this.server = server;
    this.#seed = seed;
    this.recorder = new Recorder(conversations, this.names);
    for (const host of hosts) {
      const process = new DeviceProcess(server.publicUrl, (event) => this.#take(event));
      process.start();
      this.#processes.set(host, process);
    }
  }

  /** That no other run on this server has. */
  handleOf(account: Name): string {
    return `${account}-of-${this.#seed}-${process.pid}`;
  }

  accountOf(device: Name): Name {
    return this.recorder.devices.find(({ name }) => name === device)?.account ?? '';
  }

  /** As all gateways know by now. */
  mayWrite(conversation: Name, device: Name): boolean {
    const nowMs = Date.now();
    return new Entitlement(this.recorder).mayWrite(conversation, this.accountOf(device), { fromMs: nowMs, toMs: nowMs }) === 'yes';
  }

  ask<Call extends keyof HostCalls>(call: Call, input: HostCalls[Call]): Promise<HostAnswers[Call]> {
    return this.#processOf(this.#hostOf.get(input.device) ?? '').ask(call, input);
  }

  /** Asks until the server is there. Answers whether it had to be repeated. */
  async insist(work: () => Promise<unknown>, { settled = [], passing = [] }: Refusals = {}): Promise<boolean> {
    const deadlineMs = Date.now() + giveUpAfterMs;
    for (let repeated = false; ; repeated = true) {
      try {
        await work();
        return repeated;
      } catch (error) {
        if (!(error instanceof CallFailure)) throw error;
        if (repeated && settled.includes(error.code)) return true;
        if (!['offline', 'unavailable', ...passing].includes(error.code) || Date.now() > deadlineMs) throw error;
        await sleep(retryEveryMs);
      }
    }
  }

  /** What the device did is in the log, or never will be. */
  async idle(device: Name): Promise<void> {
    const waiting = new AbortController();
    const late = sleep(giveUpAfterMs, undefined, { signal: waiting.signal }).then(() => {
      throw new Error(`something of ${device} still waits after ${giveUpAfterMs / 1_000} s`);
    });
    await Promise.race([this.ask('idle', { device }), late]).finally(() => {
      waiting.abort();
      late.catch(() => undefined);
    });
  }

  /** When a change took effect that was insisted on. */
  async change(work: () => Promise<unknown>, refusals: Refusals = {}): Promise<Window> {
    const fromMs = Date.now();
    const repeated = await this.insist(work, refusals);
    return { fromMs, toMs: Date.now() + announcedWithinMs + (repeated ? rosterAgeMs : 0) };
  }

  async register({ name, account, host }: DeviceOfScript): Promise<void> {
    this.#hostOf.set(name, host);
    const answer = await this.#open(name, { handle: this.handleOf(account) });
    this.names.learn(account, answer.accountId);
    this.recorder.devices.push({ name, account });
  }

  async link({ name, account, host }: DeviceOfScript, by: Name): Promise<void> {
    this.#hostOf.set(name, host);
    let fromMs: number | undefined;
    const answered = new Promise<never>((_, reject) => {
      this.#onCode.set(name, (code) => {
        fromMs ??= Date.now();
        // Opened once more it shows the same code, which may be answered already.
        this.insist(() => this.ask('link', { device: by, code }), { settled: ['conflict'] }).catch(reject);
      });
    });
    const window = await this.change(() => Promise.race([this.#open(name, { link: true }), answered]));
    this.recorder.devices.push({ name, account, linked: { ...window, fromMs: fromMs ?? window.fromMs } });
  }

  async open(device: Name): Promise<void> {
    await this.#open(device, {});
  }

  async close(device: Name): Promise<void> {
    await this.ask('close', { device });
    this.recorder.closed(device, Date.now());
  }

  async kill(host: Name): Promise<void> {
    await this.#processOf(host).kill();
    for (const [device, of] of this.#hostOf) if (of === host) this.recorder.closed(device, Date.now());
  }

  start(host: Name): void {
    this.#processOf(host).start();
  }

  async end(): Promise<void> {
    await Promise.all([...this.#processes.values()].map((process) => process.kill()));
    for (const directory of this.#directories.values()) directory.remove();
  }

  async #open(device: Name, how: Pick<HostCalls['open'], 'handle' | 'link'>): Promise<HostAnswers['open']> {
    const directory = this.#directories.get(device) ?? temporaryDirectory();
    this.#directories.set(device, directory);
    const answer = await this.ask('open', { device, directory: directory.path, ...how });
    this.names.learn(device, deviceKey(answer));
    this.recorder.opened(device, answer);
    return answer;
  }

  #take(event: HostEvent): void {
    if (event.event === 'code') this.#onCode.get(event.device)?.(event.code);
    else this.recorder.take(event);
  }

  #processOf(host: Name): DeviceProcess {
    const process = this.#processes.get(host);
    if (process === undefined) throw new Error(`there is no process ${host}`);
    return process;
  }
}
