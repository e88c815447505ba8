import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { pino } from 'pino';

import { startPostgresServer } from '../../app/engines/postgres-server.js';
import { clusterDirectoryUrl, HeliographCluster } from '../process/heliograph-cluster.js';
import { HeliographServer } from '../process/heliograph-server.js';
import type { MeasuredProcesses } from '../process/measure-cpu.js';
import { runningEngines } from '../process/running-engines.js';

/** A server whose directory is open to the benchmark, which fills channels past its REST edge. */
export interface ChannelServer {
  readonly publicUrl: string;
  readonly socketUrl: string;
  /** Of its PostgreSQL. */
  readonly directoryUrl: string;
  readonly measured: MeasuredProcesses;
  stop(): Promise<void>;
}

const environment = { HELIOGRAPH_TOKEN_LIFETIME_MS: '86400000' };

/** The embedded profile, beside a PostgreSQL of the benchmark's own. */
export async function startEmbedded(dist: string): Promise<ChannelServer> {
  const directory = mkdtempSync(join(tmpdir(), 'heliograph-bench-'));
  // PostgreSQL runs as another user where this is root.
  chmodSync(directory, 0o711);
  mkdirSync(join(directory, 'postgres'), { mode: 0o700 });
  const keyDirectory = mkdtempSync(join(tmpdir(), 'heliograph-bench-'));
  const postgres = await startPostgresServer({ directory: join(directory, 'postgres'), keyDirectory, logger: pino({ level: 'silent' }) });
  const directoryUrl = postgres.url.reveal();
  const end = async () => {
    await postgres.stop();
    for (const made of [directory, keyDirectory]) rmSync(made, { recursive: true, force: true });
  };
  try {
    const settings = { ...environment, HELIOGRAPH_POSTGRES_URL: directoryUrl };
    const server = await HeliographServer.start({ dist, dataDirectory: join(directory, 'data'), environment: settings });
    const { publicUrl, socketUrl, child } = server;
    return {
      ...{ publicUrl, socketUrl, directoryUrl, measured: { processes: [child.pid], engines: {} } },
      stop: async () => {
        await server.stop();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The distributed profile, on the engines of `npm run stack`. */
export async function startDistributed(dist: string): Promise<ChannelServer> {
  const name = `channels_${Date.now().toString(36)}`;
  const cluster = await HeliographCluster.start({ dist, name, environment });
  const { publicUrl, socketUrl, members } = cluster;
  return {
    ...{ publicUrl, socketUrl },
    directoryUrl: clusterDirectoryUrl(name),
    measured: { processes: members.map(({ child }) => child.pid), engines: runningEngines() },
    stop: () => cluster.stop(),
  };
}
