import { join } from 'node:path';

import { freePorts } from '../../app/engines/ports.js';
import { ChildServer } from './child-server.js';
import { unlimited, withoutSettings } from './server-environment.js';

/** The first start makes a PostgreSQL cluster. */
const startTimeoutMs = 120_000;

export interface HeliographServerOptions {
  /** The build that runs. */
  readonly dist: string;
  readonly dataDirectory: string;
  readonly nodeArgs?: readonly string[];
  /** Settings beside ports and data directory. Rate limits are out of the way unless they are given here. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** The embedded profile as its users run it, in a process of its own, on ports that were free. */
export class HeliographServer {
  readonly publicUrl: string;
  readonly adminUrl: string;
  readonly socketUrl: string;
  readonly temporalUiUrl: string;
  readonly dataDirectory: string;
  readonly taskQueue = 'inbox-drain';
  readonly #args: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;
  #child: ChildServer | undefined;

  private constructor(ports: readonly number[], { dist, dataDirectory, nodeArgs = [], environment = {} }: HeliographServerOptions) {
    const [publicPort = 0, adminPort = 0, uiPort = 0] = ports;
    this.publicUrl = `http://127.0.0.1:${publicPort}`;
    this.adminUrl = `http://127.0.0.1:${adminPort}`;
    this.socketUrl = `ws://127.0.0.1:${publicPort}/v1/socket`;
    this.temporalUiUrl = `http://127.0.0.1:${uiPort}`;
    this.dataDirectory = dataDirectory;
    this.#args = [...nodeArgs, join(dist, 'workers', 'all-in-one.js')];
    this.#environment = {
      ...withoutSettings(process.env),
      ...unlimited(),
      HELIOGRAPH_DATA_DIR: dataDirectory,
      HELIOGRAPH_PORT: `${publicPort}`,
      HELIOGRAPH_ADMIN_PORT: `${adminPort}`,
      HELIOGRAPH_TEMPORAL_UI_PORT: `${uiPort}`,
      HELIOGRAPH_LOG_LEVEL: 'warn',
      ...environment,
    };
  }

  static async start(options: HeliographServerOptions): Promise<HeliographServer> {
    const server = new HeliographServer(await freePorts(3), options);
    await server.restart();
    return server;
  }

  get adminUrls(): readonly string[] {
    return [this.adminUrl];
  }

  /** The present process; another one after a restart. */
  get child(): ChildServer {
    if (this.#child === undefined) throw new Error('the server does not run');
    return this.#child;
  }

  /** Same data, same addresses. Resolves when it is ready. */
  async restart(): Promise<void> {
    this.#child = new ChildServer({ args: this.#args, cwd: process.cwd(), env: this.#environment });
    await this.#child.untilOk(`${this.adminUrl}/readyz`, startTimeoutMs);
  }

  /** SIGKILL, as a crash. */
  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  async stop(): Promise<void> {
    await this.#child?.stop();
  }
}
