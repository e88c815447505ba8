import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { ChildServer, freePorts } from '../../bench/process/child-server.js';

const startTimeoutMs = 60_000;
const entry = resolve('dist/workers/all-in-one.js');

export interface ServerOptions {
  /** Settings beside those that keep tests apart. Rate limits are out of the way unless they are given here. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Kept when the server stops; left out: a temporary one that goes with it. */
  readonly dataDirectory?: string;
}

/** The whole embedded product as its users run it: the build of `npm test`, in a process of its own, on free ports. */
export class TestServer {
  readonly publicUrl: string;
  readonly adminUrl: string;
  readonly socketUrl: string;
  readonly temporalUiUrl: string;
  readonly dataDirectory: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #temporary: boolean;
  #child: ChildServer | undefined;

  private constructor(ports: readonly number[], dataDirectory: string, options: ServerOptions) {
    const [publicPort = 0, adminPort = 0, uiPort = 0] = ports;
    this.publicUrl = `http://127.0.0.1:${publicPort}`;
    this.adminUrl = `http://127.0.0.1:${adminPort}`;
    this.socketUrl = `ws://127.0.0.1:${publicPort}/v1/socket`;
    this.temporalUiUrl = `http://127.0.0.1:${uiPort}`;
    this.dataDirectory = dataDirectory;
    this.#temporary = options.dataDirectory === undefined;
    this.#environment = {
      ...withoutSettings(process.env),
      ...unlimited(),
      HELIOGRAPH_DATA_DIR: dataDirectory,
      HELIOGRAPH_PORT: `${publicPort}`,
      HELIOGRAPH_ADMIN_PORT: `${adminPort}`,
      HELIOGRAPH_TEMPORAL_UI_PORT: `${uiPort}`,
      HELIOGRAPH_LOG_LEVEL: 'warn',
      ...options.environment,
    };
  }

  static async start(options: ServerOptions = {}): Promise<TestServer> {
    const dataDirectory = options.dataDirectory ?? (await mkdtemp(join(tmpdir(), 'heliograph-server-')));
    const server = new TestServer(await freePorts(3), dataDirectory, options);
    await server.restart();
    return server;
  }

  get pid(): number {
    if (this.#child === undefined) throw new Error('the server does not run');
    return this.#child.pid;
  }

  /** The end of what it printed. */
  get output(): string {
    return this.#child?.output ?? '';
  }

  /** Same data, same addresses. Resolves when it is ready. */
  async restart(): Promise<void> {
    const child = new ChildServer({ args: [entry], cwd: process.cwd(), env: this.#environment });
    this.#child = child;
    await child.ready(() => this.#isReady(), startTimeoutMs);
  }

  /** SIGKILL, as a crash. */
  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  async stop(): Promise<void> {
    await this.#child?.stop();
    if (this.#temporary) await rm(this.dataDirectory, { recursive: true, force: true, maxRetries: 5 });
  }

  async #isReady(): Promise<true | undefined> {
    try {
      const response = await fetch(`${this.adminUrl}/readyz`, { signal: AbortSignal.timeout(2_000) });
      await response.arrayBuffer();
      return response.ok ? true : undefined;
    } catch {
      return undefined;
    }
  }
}

function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(([name]) => !name.startsWith('HELIOGRAPH_') && name !== 'NODE_OPTIONS');
  return Object.fromEntries<string | undefined>(kept);
}

function unlimited(): Record<string, string> {
  const names = ['SEND', 'RECIPIENT', 'HELLO', 'ADMISSION', 'REGISTRATION', 'PREKEY_BUNDLE', 'TOKEN'];
  return Object.fromEntries(
    names.flatMap((name) => [
      [`HELIOGRAPH_LIMIT_${name}_BURST`, '1000000'],
      [`HELIOGRAPH_LIMIT_${name}_PER_SECOND`, '1000000'],
    ]),
  );
}
