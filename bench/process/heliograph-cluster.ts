import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePorts } from '../../app/engines/ports.js';
import { stackEndpoints, stackCredentials, stackPorts } from '../../app/stack/endpoints.js';
import { renderHaproxyConfig } from '../../app/stack/haproxy-config.js';
import { stackSettings } from '../../app/stack/role-processes.js';
import { ChildServer } from './child-server.js';
import { unlimited, withoutSettings } from './server-environment.js';

const startTimeoutMs = 120_000;

/** Of the PostgreSQL database of the cluster with this name. */
export function clusterDirectoryUrl(name: string): string {
  const { user, password } = stackCredentials.postgres;
  return `postgres://${user}:${password}@127.0.0.1:${stackPorts.postgres}/${name}`;
}

export type Role = 'gateway' | 'pipeline' | 'temporal-worker';

export interface HeliographClusterOptions {
  /** The build that runs. */
  readonly dist: string;
  /** Of its topics, keys, keyspace, database and task queue: lower-case letters, digits and `_`. */
  readonly name: string;
  /** Processes of each role: two, or one where nothing depends on who does it. */
  readonly each?: 1 | 2;
  readonly nodeArgs?: readonly string[];
  /** Settings beside those of the stack. Rate limits are out of the way unless they are given here. */
  readonly environment?: Readonly<Record<string, string>>;
  /** More settings of single members, by their names. */
  readonly ofMember?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** The distributed profile on the engines of `npm run stack`: processes of each role behind HAProxy, on ports that were free, on data of its own. */
export class HeliographCluster {
  readonly publicUrl: string;
  readonly socketUrl: string;
  readonly temporalUiUrl = stackEndpoints.temporalUiUrl;
  readonly taskQueue: string;
  readonly members: readonly ClusterMember[];
  readonly #proxyConfig: string;
  readonly #directory: string;
  #proxy: ChildServer | undefined;

  private constructor(ports: readonly number[], options: HeliographClusterOptions) {
    const [publicPort = 0, ...rest] = ports;
    this.publicUrl = `http://127.0.0.1:${publicPort}`;
    this.socketUrl = `ws://127.0.0.1:${publicPort}/v1/socket`;
    const next = () => rest.shift() ?? 0;
    const member = (role: Role, number: number) =>
      new ClusterMember(
        `${role}-${number}`,
        role,
        { admin: next(), public: role === 'gateway' ? next() : 0, link: role === 'gateway' ? next() : 0 },
        options,
      );
    const numbers = [1, 2].slice(0, options.each);
    this.members = (['gateway', 'pipeline', 'temporal-worker'] as const).flatMap((role) => numbers.map((number) => member(role, number)));
    this.taskQueue = options.name;
    this.#directory = join(tmpdir(), `heliograph-cluster-${options.name}`);
    const gateways = this.of('gateway').map(({ name, ports: { public: port, admin } }) => ({ name, host: '127.0.0.1', port, adminPort: admin }));
    this.#proxyConfig = renderHaproxyConfig({ bind: `127.0.0.1:${publicPort}`, gateways });
  }

  static async start(options: HeliographClusterOptions): Promise<HeliographCluster> {
    const cluster = new HeliographCluster(await freePorts(1 + 2 * 3 + 4), options);
    await cluster.restart();
    return cluster;
  }

  get adminUrls(): readonly string[] {
    return this.members.map(({ adminUrl }) => adminUrl);
  }

  /** Open sessions of each gateway that runs. */
  async sessions(): Promise<readonly number[]> {
    const running = this.of('gateway').filter((member) => member.runs);
    const metrics = await Promise.all(running.map(async ({ adminUrl }) => (await fetch(`${adminUrl}/metrics`)).text()));
    return metrics.map((text) => Number(/^heliograph_gateway_sessions (\d+)/m.exec(text)?.[1]));
  }

  of(role: Role): readonly ClusterMember[] {
    return this.members.filter((member) => member.role === role);
  }

  member(name: string): ClusterMember {
    const found = this.members.find((member) => member.name === name);
    if (found === undefined) throw new Error(`the cluster has no ${name}`);
    return found;
  }

  /** Starts whatever does not run. Resolves when all of it is ready. */
  async restart(): Promise<void> {
    this.#proxy ??= this.#startProxy();
    await Promise.all(this.members.map((member) => member.start()));
    // HAProxy has to see that the gateways are there.
    await this.#proxy.untilOk(`${this.publicUrl}/v1/openapi.json`, startTimeoutMs);
  }

  /** SIGKILL of all processes, as a crash of every machine at once. */
  async kill(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
  }

  async stop(): Promise<void> {
    await this.#proxy?.stop();
    this.#proxy = undefined;
    await Promise.all(this.members.map((member) => member.stop()));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #startProxy(): ChildServer {
    mkdirSync(this.#directory, { recursive: true });
    const config = join(this.#directory, 'haproxy.cfg');
    writeFileSync(config, this.#proxyConfig);
    return new ChildServer({ command: 'haproxy', args: ['-db', '-f', config], cwd: this.#directory, env: process.env });
  }
}

interface MemberPorts {
  readonly admin: number;
  /** Of a gateway. */
  readonly public: number;
  readonly link: number;
}

/** One process of a cluster. */
export class ClusterMember {
  readonly name: string;
  readonly role: Role;
  readonly adminUrl: string;
  /** Of a gateway: past HAProxy, which always chooses the same one for an account. */
  readonly socketUrl: string;
  readonly ports: MemberPorts;
  readonly #args: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;
  #child: ChildServer | undefined;

  constructor(name: string, role: Role, ports: MemberPorts, options: HeliographClusterOptions) {
    const { dist, name: cluster, nodeArgs = [], environment = {}, ofMember = {} } = options;
    this.name = name;
    this.role = role;
    this.ports = ports;
    this.adminUrl = `http://127.0.0.1:${ports.admin}`;
    this.socketUrl = `ws://127.0.0.1:${ports.public}/v1/socket`;
    this.#args = [...nodeArgs, join(dist, 'workers', 'all-in-one.js')];
    this.#environment = {
      ...withoutSettings(process.env),
      ...unlimited(),
      ...stackSettings,
      HELIOGRAPH_ROLES: role,
      HELIOGRAPH_GATEWAY_ID: name,
      HELIOGRAPH_PORT: String(ports.public),
      HELIOGRAPH_LINK_PORT: String(ports.link),
      HELIOGRAPH_ADMIN_PORT: String(ports.admin),
      HELIOGRAPH_TRUSTED_PROXIES: '1',
      HELIOGRAPH_KAFKA_PREFIX: cluster,
      HELIOGRAPH_REDIS_PREFIX: cluster,
      HELIOGRAPH_CASSANDRA_KEYSPACE: cluster,
      HELIOGRAPH_POSTGRES_URL: clusterDirectoryUrl(cluster),
      HELIOGRAPH_TEMPORAL_TASK_QUEUE: cluster,
      HELIOGRAPH_LOG_LEVEL: 'warn',
      ...environment,
      ...ofMember[name],
    };
  }

  get runs(): boolean {
    return this.#child !== undefined;
  }

  /** The present process; another one after it was started again. */
  get child(): ChildServer {
    if (this.#child === undefined) throw new Error(`${this.name} does not run`);
    return this.#child;
  }

  /** Resolves when it is ready; at once if it runs. */
  async start(): Promise<void> {
    if (this.#child !== undefined) return;
    const child = new ChildServer({ args: this.#args, cwd: process.cwd(), env: this.#environment });
    this.#child = child;
    await child.untilOk(`${this.adminUrl}/readyz`, startTimeoutMs);
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#child?.kill();
    this.#child = undefined;
  }

  async stop(): Promise<void> {
    await this.#child?.stop();
    this.#child = undefined;
  }

  /** SIGSTOP and SIGCONT: it is there, and does nothing. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    process.kill(this.child.pid, signal);
  }
}
