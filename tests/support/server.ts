import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { stackSettings } from '../../app/stack/role-processes.js';
import { clusterDirectoryUrl, HeliographCluster, type HeliographClusterOptions } from '../../bench/process/heliograph-cluster.js';
import { HeliographServer, type HeliographServerOptions } from '../../bench/process/heliograph-server.js';
import { deriveKey } from '../../core/derive-key.js';
import { openTokenKeys } from '../../app/own-keys.js';
import { tokenKeysOf, type TokenKeys } from '../../gateway/tokens.js';
import { askKeeper } from './keeper-client.js';
import { preparePostgres } from './prepared-postgres.js';
import type { ServerPlace } from './server-place.js';

type Options = Pick<HeliographServerOptions, 'environment' | 'nodeArgs'> & Pick<HeliographClusterOptions, 'each' | 'ofMember'>;

/** The suites that go through the public door run on both profiles: `npm test` and `npm run test:distributed`. */
export const isDistributed = process.env['HELIOGRAPH_TEST_PROFILE'] === 'distributed';

/** The whole product, which somebody else started and will stop. */
export class RunningServer {
  readonly place: ServerPlace;

  constructor(place: ServerPlace) {
    this.place = place;
  }

  get publicUrl(): string {
    return this.place.publicUrl;
  }

  get socketUrl(): string {
    return this.place.socketUrl;
  }

  /** Of its gateways, past the load balancer if there is one. */
  get gatewaySocketUrls(): readonly string[] {
    return isDistributed ? Object.values(this.place.socketUrlOf) : [this.socketUrl];
  }

  get temporalUiUrl(): string {
    return this.place.temporalUiUrl;
  }

  /** Of one of its processes. */
  get adminUrl(): string {
    return this.place.adminUrls[0] ?? '';
  }

  /** What makes the `heliograph` command an operator's. */
  get operatorEnvironment(): Readonly<Record<string, string>> {
    return isDistributed ? { HELIOGRAPH_OPERATOR_TOKEN: stackSettings['HELIOGRAPH_OPERATOR_TOKEN'] ?? '' } : { HELIOGRAPH_DATA_DIR: this.place.data };
  }

  /** What tokens are signed with. */
  get tokenKeys(): TokenKeys {
    return isDistributed
      ? tokenKeysOf(deriveKey(stackSettings['HELIOGRAPH_CLUSTER_SECRET'] ?? '', 'tokens'))
      : openTokenKeys(join(this.place.data, 'keys'));
  }

  /** Of its PostgreSQL, as long as that runs. */
  get directoryUrl(): string {
    if (isDistributed) return clusterDirectoryUrl(this.place.data);
    const password = readFileSync(join(this.place.data, 'keys', 'postgres-password'), 'utf8').trim();
    const [, , , port = ''] = readFileSync(join(this.place.data, 'postgres', 'cluster', 'postmaster.pid'), 'utf8').split('\n');
    return `postgres://heliograph:${password}@127.0.0.1:${port}/heliograph`;
  }

  /** What every process says to Prometheus, one after the other. */
  async metrics(): Promise<string> {
    const texts = await Promise.all(this.place.adminUrls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
    return texts.join('\n');
  }

  /** The sum of a series (`name` or `name{label="value"}`) over all processes. */
  async metric(series: string): Promise<number> {
    const lines = (await this.metrics()).split('\n').filter((line) => line.startsWith(`${series} `));
    return lines.reduce((sum, line) => sum + Number(line.slice(series.length)), 0);
  }

  /** What the processes say about what they need: of several the first. */
  async readiness(): Promise<{ readonly ready: boolean; readonly dependencies: Readonly<Record<string, string>> }> {
    return (await (await fetch(`${this.adminUrl}/readyz`)).json()) as Awaited<ReturnType<RunningServer['readiness']>>;
  }
}

/**
 * The server that the suites of a jest worker share, one after the other, started for the first of them (tests/support/shared-settings.ts): for those that need no other settings and
 * kill none of its processes. What they count has a beginning of theirs.
 */
export async function sharedServer(): Promise<RunningServer> {
  return new RunningServer(await askKeeper('server', process.env['JEST_WORKER_ID']));
}

/** A server of a suite's own: the build of `npm test`, on data that go with it. */
export class TestServer extends RunningServer {
  readonly #server: HeliographServer | HeliographCluster;
  readonly #cleanUp: () => Promise<void>;

  private constructor(server: HeliographServer | HeliographCluster, place: Pick<ServerPlace, 'data' | 'socketUrlOf'>, cleanUp: () => Promise<void>) {
    const { publicUrl, socketUrl, temporalUiUrl, adminUrls } = server;
    super({ publicUrl, socketUrl, temporalUiUrl, adminUrls, ...place });
    this.#server = server;
    this.#cleanUp = cleanUp;
  }

  static start(options: Options = {}): Promise<TestServer> {
    return isDistributed ? TestServer.#startCluster(options) : TestServer.#startEmbedded(options);
  }

  static async #startEmbedded(options: Options): Promise<TestServer> {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'heliograph-server-'));
    await preparePostgres(dataDirectory);
    const server = await HeliographServer.start({ dist: resolve('dist'), dataDirectory, ...options });
    return new TestServer(server, { data: dataDirectory, socketUrlOf: {} }, () => rm(dataDirectory, { recursive: true, force: true, maxRetries: 5 }));
  }

  static async #startCluster(options: Options): Promise<TestServer> {
    const name = `test_${randomUUID().slice(0, 8)}`;
    const cluster = await HeliographCluster.start({ dist: resolve('dist'), name, ...options });
    const socketUrlOf = Object.fromEntries(cluster.of('gateway').map((gateway) => [gateway.name, gateway.socketUrl]));
    return new TestServer(cluster, { data: name, socketUrlOf }, async () => {
      // Kafka's client takes a second of CPU to load: few suites have a cluster to drop.
      const { dropCluster } = await import('./drop-cluster.js');
      await dropCluster(name);
    });
  }

  /** Of the embedded profile, which is one process in a directory. */
  get embedded(): HeliographServer {
    if (this.#server instanceof HeliographServer) return this.#server;
    throw new Error('this suite is for the embedded profile');
  }

  /** Of the distributed profile. */
  get cluster(): HeliographCluster {
    if (this.#server instanceof HeliographCluster) return this.#server;
    throw new Error('this suite is for the distributed profile');
  }

  restart(): Promise<void> {
    return this.#server.restart();
  }

  kill(): Promise<void> {
    return this.#server.kill();
  }

  /** Of a cluster the end of its data too: nobody waits until its gateways have sent their sessions elsewhere. */
  async stop(): Promise<void> {
    if (this.#server instanceof HeliographCluster) await this.#server.kill();
    await this.#server.stop();
    await this.#cleanUp();
  }
}
