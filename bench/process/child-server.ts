import { spawn, type ChildProcess } from 'node:child_process';

import { answersOk } from '../../app/engines/answers-ok.js';

const stopTimeoutMs = 30_000;
const keptOutputBytes = 8_192;

export interface ChildServerOptions {
  /** Left out: Node. */
  readonly command?: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A server under test: a process of its own. */
export class ChildServer {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #output = '';
  #exitCode: number | NodeJS.Signals | undefined;

  constructor({ command = process.execPath, args, cwd, env }: ChildServerOptions) {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    if (child.pid === undefined) throw new Error('the server could not be started');
    this.pid = child.pid;
    this.#child = child;
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString('utf8')).slice(-keptOutputBytes);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const endTogether = () => child.kill('SIGTERM');
    process.once('exit', endTogether);
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        process.off('exit', endTogether);
        this.#exitCode = code ?? signal ?? 1;
        resolve();
      });
    });
  }

  /** The end of what it printed. */
  get output(): string {
    return this.#output;
  }

  /** Polls until `ready` answers something. Throws with the server's last words when it ends before, or after the time is up. */
  async ready<Answer>(ready: () => Promise<Answer | undefined> | Answer | undefined, timeoutMs: number): Promise<Answer> {
    const deadlineMs = Date.now() + timeoutMs;
    for (;;) {
      const answer = await ready();
      if (answer !== undefined) return answer;
      if (this.#exitCode !== undefined) throw new Error(`the server ended with ${this.#exitCode}:\n${this.#output}`);
      if (Date.now() > deadlineMs) throw new Error(`the server was not ready within ${timeoutMs / 1000} s:\n${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Polls until the address is answered with success; throws as `ready` does. */
  async untilOk(url: string, timeoutMs: number): Promise<void> {
    await this.ready(async () => ((await answersOk(url)) ? true : undefined), timeoutMs);
  }

  /** SIGTERM, and SIGKILL for one that does not end. Resolves when it is gone. */
  async stop(): Promise<void> {
    if (this.#exitCode !== undefined) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), stopTimeoutMs);
    await this.#exited;
    clearTimeout(timer);
  }

  /** SIGKILL. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
