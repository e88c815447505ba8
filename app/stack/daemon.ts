import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { inheritedEnvironment } from '../config/inherited-environment.js';
import { processStartedAt } from '../engines/process-identity.js';
import type { EngineLaunch } from './stack-engine.js';

const pollMs = 50;

/** A program that outlives whoever started it. Its file names it by pid and start time, so nobody else's process is ever taken for it. */
export class Daemon {
  readonly name: string;
  readonly directory: string;
  readonly #pidFile: string;

  /** `parent/<name>/` holds its data, its output and its pid. */
  constructor(parent: string, name: string) {
    this.name = name;
    this.directory = join(parent, name);
    this.#pidFile = join(this.directory, 'pid');
  }

  get outputFile(): string {
    return join(this.directory, 'output.log');
  }

  /** What it wrote since it was last started. */
  output(): string {
    return readFileSync(this.outputFile, 'utf8');
  }

  pid(): number | undefined {
    try {
      const [pid = '', startedAt = ''] = readFileSync(this.#pidFile, 'utf8').trim().split(' ');
      return startedAt !== '' && processStartedAt(Number(pid)) === startedAt ? Number(pid) : undefined;
    } catch {
      return undefined;
    }
  }

  makeDirectory(): void {
    mkdirSync(this.directory, { recursive: true });
  }

  /** Rejects when the program cannot be run. */
  async start({ command, args, environment, user }: EngineLaunch): Promise<void> {
    const output = openSync(this.outputFile, 'w');
    const child = spawn(command, args, {
      ...user,
      env: { ...inheritedEnvironment(), ...environment },
      cwd: this.directory,
      detached: true,
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    await once(child, 'spawn');
    child.unref();
    const pid = child.pid ?? 0;
    writeFileSync(this.#pidFile, `${pid} ${processStartedAt(pid) ?? ''}\n`);
  }

  signal(signal: NodeJS.Signals): void {
    const pid = this.pid();
    if (pid !== undefined) process.kill(pid, signal);
  }

  /** Resolves when it is gone; after the time it is killed. */
  async stop(signal: NodeJS.Signals, timeoutMs: number): Promise<void> {
    const deadlineMs = Date.now() + timeoutMs;
    // One that was stopped takes no other signal until it goes on.
    this.signal('SIGCONT');
    this.signal(signal);
    while (this.pid() !== undefined) {
      if (Date.now() > deadlineMs) this.signal('SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    rmSync(this.#pidFile, { force: true });
  }

  /** Resident memory of it and its children, in bytes; `undefined` where it does not run. */
  memoryBytes(): number | undefined {
    const pid = this.pid();
    if (pid === undefined) return undefined;
    const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,rss='], { encoding: 'utf8' }).trim().split('\n');
    const kibibytes = rows
      .map((row) => row.trim().split(/\s+/).map(Number))
      .filter(([own, parent]) => own === pid || parent === pid)
      .reduce((sum, [, , rss = 0]) => sum + rss, 0);
    return kibibytes * 1_024;
  }
}
