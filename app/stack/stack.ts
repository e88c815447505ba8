import { resolve } from 'node:path';
import { chmodSync, mkdirSync } from 'node:fs';

import { listens } from '../engines/ports.js';
import { StartError } from '../start-error.js';
import { cassandra } from './cassandra.js';
import { Daemon } from './daemon.js';
import { haproxy } from './haproxy.js';
import { kafka } from './kafka.js';
import { postgres } from './postgres.js';
import { redis } from './redis.js';
import { roleProcesses } from './role-processes.js';
import { seaweedfs } from './seaweedfs.js';
import type { StackEngine } from './stack-engine.js';
import { temporal } from './temporal.js';

const engines: readonly StackEngine[] = [kafka, cassandra, redis, seaweedfs, postgres, temporal];
/** Heliograph itself; started after the engines and stopped before them. */
const processes: readonly StackEngine[] = [...roleProcesses, haproxy];
const readyTimeoutMs = 120_000;
const stopTimeoutMs = 25_000;
const freedTimeoutMs = 2_000;
const pollMs = 50;

export const engineNames = engines.map(({ name }) => name);
export const processNames = processes.map(({ name }) => name);

export type Started = (name: string, tookMs: number) => void;

export interface EngineStatus {
  readonly name: string;
  readonly port: number;
  readonly pid: number | undefined;
  readonly memoryBytes: number | undefined;
}

/** The engines of the distributed profile on this machine, without containers: each a process that stays until `stop`. Throws StartError. */
export class Stack {
  readonly #daemons: ReadonlyMap<StackEngine, Daemon>;

  constructor(directory: string) {
    const parent = resolve(directory);
    mkdirSync(parent, { recursive: true });
    // PostgreSQL runs as somebody else when this is root: it may pass.
    if (process.getuid?.() === 0) chmodSync(parent, 0o711);
    this.#daemons = new Map([...engines, ...processes].map((engine) => [engine, new Daemon(parent, engine.name)]));
  }

  /** The engines; those that run already are left alone. `started` hears of each that is ready. */
  startEngines(started: Started): Promise<void> {
    return this.#start(engines, started);
  }

  /** Two processes of each role and HAProxy, on engines that run. */
  startProcesses(started: Started): Promise<void> {
    return this.#start(processes, started);
  }

  async stop(): Promise<void> {
    await this.#stop(processes);
    await this.#stop(engines);
  }

  status(): readonly EngineStatus[] {
    return [...this.#daemons].map(([{ name, ports }, daemon]) => ({
      name,
      port: ports[0] ?? 0,
      pid: daemon.pid(),
      memoryBytes: daemon.memoryBytes(),
    }));
  }

  outputFile(name: string): string {
    return this.#find(name)[1].outputFile;
  }

  /** As if the machine had lost it; resolves when it is gone. */
  async kill(name: string): Promise<void> {
    await this.#find(name)[1].stop('SIGKILL', 0);
  }

  signal(name: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#find(name)[1].signal(signal);
  }

  async restart(name: string): Promise<void> {
    const [engine, daemon] = this.#find(name);
    await daemon.stop('SIGTERM', stopTimeoutMs);
    await startEngine(engine, daemon);
  }

  /** All at once. */
  async #start(those: readonly StackEngine[], started: Started): Promise<void> {
    await Promise.all(
      those.map(async (engine) => {
        const beganMs = performance.now();
        await startEngine(engine, this.#daemonOf(engine));
        started(engine.name, performance.now() - beganMs);
      }),
    );
  }

  async #stop(those: readonly StackEngine[]): Promise<void> {
    await Promise.all(those.map((engine) => this.#daemonOf(engine).stop('SIGTERM', stopTimeoutMs)));
  }

  #daemonOf({ name }: StackEngine): Daemon {
    return this.#find(name)[1];
  }

  #find(name: string): [StackEngine, Daemon] {
    for (const entry of this.#daemons) if (entry[0].name === name) return entry;
    throw new StartError(`the stack has no ${name}`, `it has ${[...engineNames, ...processNames].join(', ')}`);
  }
}

async function startEngine(engine: StackEngine, daemon: Daemon): Promise<void> {
  if (daemon.pid() === undefined) {
    for (const port of engine.ports) {
      if (!(await isFreed(port)))
        throw new StartError(`port ${port} for ${engine.name} is taken`, 'stop what listens there; this stack did not start it');
    }
    daemon.makeDirectory();
    await daemon.start(await engine.prepare(daemon.directory));
  }
  const deadlineMs = Date.now() + readyTimeoutMs;
  while (!(await engine.isReady(daemon.output()))) {
    const ended = daemon.pid() === undefined;
    if (ended || Date.now() > deadlineMs) {
      const what = ended ? 'ended before it was ready' : `was not ready within ${readyTimeoutMs / 1_000} s`;
      throw new StartError(`${engine.name} ${what}`, `see ${daemon.outputFile}`);
    }
    await new Promise((wait) => setTimeout(wait, pollMs));
  }
}

/** The threads of a program that was killed may hold its ports a moment longer than it has a name. */
async function isFreed(port: number): Promise<boolean> {
  const deadlineMs = Date.now() + freedTimeoutMs;
  while (await listens(port)) {
    if (Date.now() > deadlineMs) return false;
    await new Promise((wait) => setTimeout(wait, pollMs));
  }
  return true;
}
