import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { HeliographServer, type HeliographServerOptions } from '../../bench/process/heliograph-server.js';

/** The whole embedded product: the build of `npm test`, on a data directory of its own that goes with it. */
export class TestServer {
  readonly dataDirectory: string;
  readonly #server: HeliographServer;

  private constructor(server: HeliographServer, dataDirectory: string) {
    this.#server = server;
    this.dataDirectory = dataDirectory;
  }

  static async start(options: Pick<HeliographServerOptions, 'environment' | 'nodeArgs'> = {}): Promise<TestServer> {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'heliograph-server-'));
    return new TestServer(await HeliographServer.start({ dist: resolve('dist'), dataDirectory, ...options }), dataDirectory);
  }

  get publicUrl(): string {
    return this.#server.publicUrl;
  }

  get adminUrl(): string {
    return this.#server.adminUrl;
  }

  get socketUrl(): string {
    return this.#server.socketUrl;
  }

  get temporalUiUrl(): string {
    return this.#server.temporalUiUrl;
  }

  get pid(): number {
    return this.#server.child.pid;
  }

  /** The end of what it printed. */
  get output(): string {
    return this.#server.child.output;
  }

  restart(): Promise<void> {
    return this.#server.restart();
  }

  kill(): Promise<void> {
    return this.#server.kill();
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    await rm(this.dataDirectory, { recursive: true, force: true, maxRetries: 5 });
  }
}
