import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 20;

/** Kills an engine of a server as often as it comes back, until it is told to stop. */
export class EngineKiller {
  readonly #pidFile: string;
  readonly #killed = new Set<number>();
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(server: { readonly dataDirectory: string }, engine: 'postgres' | 'temporal') {
    this.#pidFile = join(server.dataDirectory, engine, `${engine}.pid`);
    this.#running = this.#run();
  }

  get kills(): number {
    return this.#killed.size;
  }

  /** Resolves when it will be killed no more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#killOnce();
      await sleep(pollMs);
    }
  }

  #killOnce(): void {
    const pid = Number(readFileSync(this.#pidFile, 'utf8').split(' ')[0]);
    if (pid === 0 || this.#killed.has(pid)) return;
    this.#killed.add(pid);
    process.kill(pid, 'SIGKILL');
  }
}
