import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

import type { DeviceAnswers, DeviceCalls, DeviceReply } from './device-calls.js';

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** The handle that the demo has on a device's process. */
export class DemoDevice {
  readonly handle: string;
  readonly #args: readonly string[];
  readonly #waiting = new Map<number, Waiting>();
  #child: ChildProcess | undefined;
  #requests = 0;

  constructor(server: string, directory: string, handle: string) {
    this.handle = handle;
    this.#args = [server, join(directory, handle), handle];
  }

  /** Resolves when the device is registered, or opened again. */
  async start(): Promise<void> {
    const child = fork(join(import.meta.dirname, 'device-process.js'), this.#args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child = child;
    child.on('message', (reply: DeviceReply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if ('failure' in reply) waiting?.reject(new Error(`${this.handle}: ${reply.failure}`));
      else waiting?.resolve(reply.answer);
    });
    child.once('exit', (code, signal) => {
      for (const waiting of this.#waiting.values()) waiting.reject(new Error(`${this.handle} ended with ${code ?? signal ?? 'nothing'}`));
      this.#waiting.clear();
    });
    await new Promise((resolve, reject) => this.#waiting.set(0, { resolve, reject }));
  }

  ask<Name extends keyof DeviceCalls>(call: Name, input: DeviceCalls[Name]): Promise<DeviceAnswers[Name]> {
    const child = this.#child;
    if (child?.connected !== true) return Promise.reject(new Error(`${this.handle} does not run`));
    const id = ++this.#requests;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve, reject });
      child.send({ id, call, input });
    });
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }
}
