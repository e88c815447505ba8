import { migrate } from '../adapters/postgres/migrate.js';
import { createPostgresDirectory, type PostgresDirectory } from '../adapters/postgres/postgres-directory.js';
import { PostgresPool } from '../adapters/postgres/postgres-pool.js';
import { MigrationError } from '../core/pending-migrations.js';
import { DomainError } from '../protocol/errors.js';
import type { Logger } from '../telemetry/logger.js';
import type { Closer } from './closer.js';
import type { Config } from './config/load-config.js';
import type { Secret } from './config/secret.js';
import type { DataDirectory } from './data-directory.js';
import { startPostgresServer } from './engines/postgres-server.js';
import { StartError } from './start-error.js';

/** After a crash PostgreSQL first replays its log. */
const readyTimeoutMs = 30_000;
const pollMs = 50;

export interface OpenDirectoryOptions {
  readonly config: Config;
  readonly data: DataDirectory;
  readonly logger: Logger;
  readonly closer: Closer;
}

export interface OpenedDirectory extends PostgresDirectory {
  ping(): Promise<boolean>;
}

/** The directory in PostgreSQL: the configured one, or a server of our own in the data directory. Migrated when it resolves. Throws StartError. */
export async function openDirectory({ config, data, logger, closer }: OpenDirectoryOptions): Promise<OpenedDirectory> {
  const url = config.postgres.url ?? (await startOwnServer(data, logger, closer));
  const pool = new PostgresPool({
    url: url.reveal(),
    maxConnections: config.postgres.maxConnections,
    onLost: (error) => {
      logger.warn({ err: error }, 'an idle connection to postgres was lost');
    },
  });
  closer.add('postgres pool', () => pool.close());
  await untilReady(pool);
  await migrated(pool);
  return { ...createPostgresDirectory(pool), ping: () => pool.ping() };
}

async function startOwnServer(data: DataDirectory, logger: Logger, closer: Closer): Promise<Secret> {
  const server = await startPostgresServer({ directory: data.subdirectory('postgres'), keyDirectory: data.subdirectory('keys'), logger });
  closer.add('postgres', () => server.stop());
  return server.url;
}

async function untilReady(pool: PostgresPool): Promise<void> {
  const deadlineMs = performance.now() + readyTimeoutMs;
  for (;;) {
    try {
      await pool.check();
      return;
    } catch (error) {
      if (!(error instanceof DomainError)) {
        throw new StartError(`PostgreSQL refuses: ${error instanceof Error ? error.message : String(error)}`, 'correct HELIOGRAPH_POSTGRES_URL');
      }
      if (performance.now() > deadlineMs) {
        throw new StartError(
          `PostgreSQL did not answer within ${readyTimeoutMs / 1_000} s`,
          'see postgres/postgres.log in the data directory, or correct HELIOGRAPH_POSTGRES_URL',
        );
      }
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

async function migrated(pool: PostgresPool): Promise<void> {
  try {
    await migrate(pool);
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    throw new StartError(error.message, 'use the version that belongs to this database, or another database');
  }
}
