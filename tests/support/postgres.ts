import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Client, type QueryResultRow } from 'pg';

import { migrate } from '../../adapters/postgres/migrate.js';
import { createPostgresDirectory, type PostgresDirectory } from '../../adapters/postgres/postgres-directory.js';
import { PostgresPool } from '../../adapters/postgres/postgres-pool.js';
import { startPostgresServer } from '../../app/engines/postgres-server.js';
import type { NewDevice } from '../../ports/accounts.js';
import type { AccountId } from '../../protocol/ids.js';
import { createLogger } from '../../telemetry/logger.js';
import type { DirectoryUnderTest } from './directory-fixtures.js';
import { preparePostgres } from './prepared-postgres.js';
import { temporaryDirectory } from './temporary-directory.js';

export interface TestPostgres {
  /** Of the server's one database. */
  readonly url: string;
  /** The URL of a new, empty schema in it: what a test does there, no other test sees. */
  newSchema(): Promise<string>;
  /** All that the directory's ports promise, in a migrated schema of its own. */
  openDirectory(): Promise<DirectoryUnderTest>;
  /** SIGINT is an operator's shutdown, SIGKILL a crash. It comes back by itself at the same address. */
  interrupt(signal: 'SIGINT' | 'SIGKILL'): void;
  stop(): Promise<void>;
}

/** A PostgreSQL in a temporary directory, as the embedded profile runs it. */
export async function startPostgres(): Promise<TestPostgres> {
  const temporary = temporaryDirectory();
  await preparePostgres(temporary.path);
  const inside = (name: string) => {
    const path = join(temporary.path, name);
    mkdirSync(path, { mode: 0o700, recursive: true });
    return path;
  };
  const directory = inside('postgres');
  const logger = createLogger('silent', { write: () => undefined });
  const server = await startPostgresServer({ directory, keyDirectory: inside('keys'), logger });
  const url = server.url.reveal();
  await untilAnswering(url);
  const newSchema = () => createSchema(url);
  return {
    url,
    newSchema,
    openDirectory: async () => {
      const pool = openPool(await newSchema());
      await migrate(pool);
      const directory = createPostgresDirectory(pool);
      return { ...directory, addDevice: (accountId, device) => addDevice(pool, directory, { accountId, device }), dispose: () => pool.close() };
    },
    interrupt: (signal) => {
      process.kill(Number(readFileSync(join(directory, 'postgres.pid'), 'utf8').split(' ')[0]), signal);
    },
    stop: async () => {
      await server.stop();
      temporary.remove();
    },
  };
}

export function openPool(url: string, maxConnections = 10, onLost: (error: Error) => void = () => undefined): PostgresPool {
  return new PostgresPool({ url, maxConnections, onLost });
}

interface AddedDevice {
  readonly accountId: AccountId;
  readonly device: NewDevice;
}

async function addDevice(pool: PostgresPool, { prekeys }: PostgresDirectory, { accountId, device }: AddedDevice): Promise<void> {
  const { deviceId, registrationId, name, secretHash, keys } = device;
  const rotating = [keys.signedPrekey, keys.kemLastResort].flatMap(({ keyId, publicKey, signature }) => [keyId, publicKey, signature]);
  await pool.change('insert-device', accountId, deviceId, registrationId, name, secretHash, ...rotating, 0);
  await prekeys.upload({ accountId, deviceId }, keys);
}

async function untilAnswering(url: string): Promise<void> {
  const pool = openPool(url, 1);
  while (!(await pool.ping()));
  await pool.close();
}

/** Past the adapter, on a connection of its own. */
export async function sql<Row extends QueryResultRow>(url: string, text: string): Promise<readonly Row[]> {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

async function createSchema(url: string): Promise<string> {
  const schema = `test_${randomUUID().replaceAll('-', '')}`;
  await sql(url, `CREATE SCHEMA ${schema}`);
  return `${url}?options=${encodeURIComponent(`-c search_path=${schema}`)}`;
}
