import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { stackSettings } from '../../app/stack/role-processes.js';
import { HeliographCluster, type HeliographClusterOptions } from '../../bench/process/heliograph-cluster.js';
import { HeliographServer, type HeliographServerOptions } from '../../bench/process/heliograph-server.js';
import { deriveKey } from '../../core/derive-key.js';
import { openTokenKeys, tokenKeysOf, type TokenKeys } from '../../gateway/tokens.js';
import { dropCluster } from './drop-cluster.js';

type Options = Pick<HeliographServerOptions, 'environment' | 'nodeArgs'> & Pick<HeliographClusterOptions, 'ofMember'>;

/** The suites that go through the public door run on both profiles: `npm test` and `npm run test:distributed`. */
export const isDistributed = process.env['HELIOGRAPH_TEST_PROFILE'] === 'distributed';

interface Parts {
  readonly server: HeliographServer | HeliographCluster;
  readonly tokenKeys: () => TokenKeys;
  readonly operatorEnvironment: Readonly<Record<string, string>>;
  readonly cleanUp: () => Promise<void>;
}

/** The whole product: the build of `npm test`, on data of its own that go with it. */
export class TestServer {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  static async start(options: Options = {}): Promise<TestServer> {
    return new TestServer(await (isDistributed ? startCluster(options) : startEmbedded(options)));
  }

  get publicUrl(): string {
    return this.#parts.server.publicUrl;
  }

  get socketUrl(): string {
    return this.#parts.server.socketUrl;
  }

  get temporalUiUrl(): string {
    return this.#parts.server.temporalUiUrl;
  }

  /** Of one of its processes. */
  get adminUrl(): string {
    return this.#parts.server.adminUrls[0] ?? '';
  }

  /** What makes the `heliograph` command an operator's. */
  get operatorEnvironment(): Readonly<Record<string, string>> {
    return this.#parts.operatorEnvironment;
  }

  /** What tokens are signed with. */
  get tokenKeys(): TokenKeys {
    return this.#parts.tokenKeys();
  }

  /** Of the embedded profile, which is one process in a directory. */
  get embedded(): HeliographServer {
    if (this.#parts.server instanceof HeliographServer) return this.#parts.server;
    throw new Error('this suite is for the embedded profile');
  }

  /** Of the distributed profile. */
  get cluster(): HeliographCluster {
    if (this.#parts.server instanceof HeliographCluster) return this.#parts.server;
    throw new Error('this suite is for the distributed profile');
  }

  /** What every process says to Prometheus, one after the other. */
  async metrics(): Promise<string> {
    const texts = await Promise.all(this.#parts.server.adminUrls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
    return texts.join('\n');
  }

  /** The sum of a series (`name` or `name{label="value"}`) over all processes. */
  async metric(series: string): Promise<number> {
    const lines = (await this.metrics()).split('\n').filter((line) => line.startsWith(`${series} `));
    return lines.reduce((sum, line) => sum + Number(line.slice(series.length)), 0);
  }

  /** What the processes say about what they need: of several the first. */
  async readiness(): Promise<{ readonly ready: boolean; readonly dependencies: Readonly<Record<string, string>> }> {
    return (await (await fetch(`${this.adminUrl}/readyz`)).json()) as Awaited<ReturnType<TestServer['readiness']>>;
  }

  restart(): Promise<void> {
    return this.#parts.server.restart();
  }

  kill(): Promise<void> {
    return this.#parts.server.kill();
  }

  async stop(): Promise<void> {
    await this.#parts.server.stop();
    await this.#parts.cleanUp();
  }
}

async function startEmbedded(options: Options): Promise<Parts> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'heliograph-server-'));
  return {
    server: await HeliographServer.start({ dist: resolve('dist'), dataDirectory, ...options }),
    tokenKeys: () => openTokenKeys(join(dataDirectory, 'keys')),
    operatorEnvironment: { HELIOGRAPH_DATA_DIR: dataDirectory },
    cleanUp: () => rm(dataDirectory, { recursive: true, force: true, maxRetries: 5 }),
  };
}

async function startCluster(options: Options): Promise<Parts> {
  const name = `test_${randomUUID().slice(0, 8)}`;
  return {
    server: await HeliographCluster.start({ dist: resolve('dist'), name, ...options }),
    tokenKeys: () => tokenKeysOf(deriveKey(stackSettings['HELIOGRAPH_CLUSTER_SECRET'] ?? '', 'tokens')),
    operatorEnvironment: { HELIOGRAPH_OPERATOR_TOKEN: stackSettings['HELIOGRAPH_OPERATOR_TOKEN'] ?? '' },
    cleanUp: () => dropCluster(name),
  };
}
