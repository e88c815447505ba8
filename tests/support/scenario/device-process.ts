import { fork, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';

import type { HostAnswers, HostCalls, HostEvent, HostFailure, HostReply } from './host-calls.js';

/** A call that a device refused, by its code. */
export class CallFailure extends Error {
  readonly code: string;

  constructor({ code, message }: HostFailure) {
    super(message);
    this.code = code;
  }
}

const deviceHost = resolve('dist/tests/programs/device-host.js');

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** The handle that a scenario has on a process of devices. */
export class DeviceProcess {
  readonly #server: string;
  readonly #onEvent: (event: HostEvent) => void;
  readonly #waiting = new Map<number, Waiting>();
  #child: ChildProcess | undefined;
  #requests = 0;

  constructor(server: string, onEvent: (event: HostEvent) => void) {
    this.#server = server;
    this.#onEvent = onEvent;
  }

  start(): void {
    const child = fork(deviceHost, [this.#server], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
      execArgv: [],
      env: { PATH: process.env['PATH'] },
    });
    this.#child = child;
    child.on('message', (reply: HostReply) => {
      if ('event' in reply) return this.#onEvent(reply);
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if ('failure' in reply) waiting?.reject(new CallFailure(reply.failure));
      else waiting?.resolve(reply.answer);
    });
    child.once('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`a process of devices ended with ${code ?? signal ?? 'nothing'}`));
      this.#waiting.clear();
    });
  }

  ask<Call extends keyof HostCalls>(call: Call, input: HostCalls[Call]): Promise<HostAnswers[Call]> {
    const child = this.#child;
    if (child?.connected !== true) return Promise.reject(new Error('the process of devices does not run'));
    const id = ++this.#requests;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      child.send({ id, call, input });
    });
  }

  /** SIGKILL; resolves when it is gone, and everything that it told is read. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = Promise.all([new Promise((resolve) => child.once('exit', resolve)), new Promise((resolve) => child.once('disconnect', resolve))]);
    child.kill('SIGKILL');
    await gone;
  }
}
