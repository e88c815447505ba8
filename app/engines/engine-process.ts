import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

import type { Logger } from 'pino';

import { inheritedEnvironment } from '../config/inherited-environment.js';
import { processStartedAt } from './process-identity.js';

const stopTimeoutMs = 8_000;
const firstRestartMs = 200;
const longestRestartMs = 2_000;
const maxLogBytes = 16 * 1024 * 1024;
/** Ends the process when this one is gone, however it went: the shell's input closes with it. */
const leash = 'read -r _; kill -s "$1" "$2" 2>/dev/null';

export interface EngineCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  readonly environment?: Readonly<Record<string, string>>;
  readonly stopSignal: 'SIGINT' | 'SIGTERM';
  /** Before every start, also after it ended by itself. */
  readonly beforeStart?: () => void;
  /** Where its output goes, and that of its children, which may outlive it. */
  readonly logFile: string;
  /** Remembers the process, so that one that outlived its server is ended before a new one starts. */
  readonly pidFile: string;
}

/**
 * A program that runs beside the server and no longer than it: in a process group of its own, so that Ctrl-C reaches only the server, which stops it in order;
 * on a leash, so that it ends when the server is killed; started again with backoff when it ends by itself.
 */
export class EngineProcess {
  readonly #engine: EngineCommand;
  readonly #logger: Logger;
  #child: ChildProcess | undefined;
  #stopping = false;
  #restartMs = firstRestartMs;
  #restart: NodeJS.Timeout | undefined;

  constructor(engine: EngineCommand, logger: Logger) {
    this.#engine = engine;
    this.#logger = logger;
  }

  /** Ends what an earlier, killed server left behind, then starts. Rejects when the program cannot be run. Readiness is the caller's to find out. */
  async start(): Promise<void> {
    await this.#endLeftover();
    await once(this.#spawn(), 'spawn');
  }

  get running(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined || !this.running) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(this.#engine.stopSignal);
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await ended;
    clearTimeout(timer);
    rmSync(this.#engine.pidFile, { force: true });
  }

  #spawn(): ChildProcess {
    const { name, stopSignal, beforeStart, logFile } = this.#engine;
    beforeStart?.();
    const child = this.#launch();
    this.#child = child;
    // Whoever starts it waits for `spawn` or this; what comes later, as a signal that could not be sent, ends nothing.
    child.on('error', (error) => this.#logger.debug({ engine: name, err: error }, 'engine could not be started or signalled'));
    child.once('exit', (code, signal) => {
      if (this.#stopping) return;
      this.#logger.error({ engine: name, code, signal, logFile, restartMs: this.#restartMs }, 'engine ended by itself, it is started again');
      this.#startAgain();
    });
    if (child.pid === undefined) return child;
    this.#remember(child.pid);
    const guard = spawn('sh', ['-c', leash, 'sh', stopSignal.slice(3), String(child.pid)], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    guard.on('error', (error) => this.#logger.warn({ engine: name, err: error }, 'engine has no leash'));
    guard.unref();
    (guard.stdin as unknown as { unref?: () => void }).unref?.();
    child.once('exit', () => guard.kill('SIGKILL'));
    return child;
  }

  /** It writes its log by itself, whatever becomes of this process. */
  #launch(): ChildProcess {
    const { command, args, user, environment, logFile } = this.#engine;
    setAside(logFile);
    const log = openSync(logFile, 'a');
    try {
      return spawn(command, args, { ...user, env: { ...inheritedEnvironment(), ...environment }, detached: true, stdio: ['ignore', log, log] });
    } finally {
      closeSync(log);
    }
  }

  #remember(pid: number): void {
    const { name, pidFile } = this.#engine;
    try {
      writeFileSync(pidFile, `${pid} ${processStartedAt(pid) ?? ''}\n`);
    } catch (error) {
      this.#logger.warn({ engine: name, err: error }, 'engine has no pid file');
    }
  }

  #startAgain(): void {
    const failed = (error: unknown) => {
      this.#logger.error({ engine: this.#engine.name, err: error, restartMs: this.#restartMs }, 'engine could not be started, it is tried again');
      this.#startAgain();
    };
    this.#restart = setTimeout(() => {
      try {
        const child = this.#spawn();
        if (child.pid === undefined) child.once('error', failed);
      } catch (error) {
        failed(error);
      }
    }, this.#restartMs);
    this.#restartMs = Math.min(longestRestartMs, this.#restartMs * 2);
  }

  async #endLeftover(): Promise<void> {
    const { name, pidFile, stopSignal } = this.#engine;
    const leftover = readPidFile(pidFile);
    if (leftover === undefined) return;
    this.#logger.info({ engine: name, pid: leftover }, 'ending an engine that a killed server left behind');
    const startedAt = processStartedAt(leftover);
    const deadlineMs = Date.now() + stopTimeoutMs;
    process.kill(leftover, stopSignal);
    while (startedAt !== undefined && processStartedAt(leftover) === startedAt) {
      if (Date.now() > deadlineMs) process.kill(leftover, 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** A long log is kept once, under another name, and a new one begun. */
function setAside(logFile: string): void {
  if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes) renameSync(logFile, `${logFile}.old`);
}

/** The process of the file, if exactly that one still runs. */
function readPidFile(pidFile: string): number | undefined {
  try {
    const [pid = '', startedAt = ''] = readFileSync(pidFile, 'utf8').trim().split(' ');
    return startedAt !== '' && processStartedAt(Number(pid)) === startedAt ? Number(pid) : undefined;
  } catch {
    return undefined;
  }
}
