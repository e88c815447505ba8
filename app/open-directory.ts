import { createDatabase, isMissingDatabase } from '../adapters/postgres/create-database.js';
import { migrate } from '../adapters/postgres/migrate.js';
import { createPostgresDirectory, type PostgresDirectory } from '../adapters/postgres/postgres-directory.js';
import { PostgresPool } from '../adapters/postgres/postgres-pool.js';
import { MigrationError } from '../core/pending-migrations.js';
import { DomainError } from '../protocol/errors.js';
import type { Logger } from '../telemetry/logger.js';
import type { Closer } from './closer.js';
import type { Secret } from './config/secret.js';
import { StartError } from './start-error.js';
import { untilAvailable } from './until-available.js';

export interface OpenDirectoryOptions {
  readonly url: Secret;
  readonly maxConnections: number;
  /** How long it may take until PostgreSQL answers: after a crash it first replays its log. */
  readonly timeoutMs: number;
  readonly remedy: string;
  readonly waiting?: (name: string) => void;
  readonly logger: Logger;
  readonly closer: Closer;
}

export interface OpenedDirectory extends PostgresDirectory {
  ping(): Promise<boolean>;
}

/** The directory in PostgreSQL, migrated when it resolves. Throws StartError. */
export async function openDirectory({ url, maxConnections, logger, closer, ...patience }: OpenDirectoryOptions): Promise<OpenedDirectory> {
  const pool = new PostgresPool({
    url: url.reveal(),
    maxConnections,
    onLost: (error) => {
      logger.warn({ err: error }, 'an idle connection to postgres was lost');
    },
  });
  closer.add('postgres pool', () => pool.close());
  await untilAvailable({ name: 'PostgreSQL', ...patience }, () => check(pool, url));
  await migrated(pool);
  return { ...createPostgresDirectory(pool), ping: () => pool.ping() };
}

/** A database that is missing is made. */
async function check(pool: PostgresPool, url: Secret): Promise<void> {
  try {
    try {
      await pool.check();
    } catch (error) {
      if (!isMissingDatabase(error)) throw error;
      await createDatabase(url.reveal());
      await pool.check();
    }
  } catch (error) {
    if (error instanceof DomainError) throw error;
    throw new StartError(`PostgreSQL refuses: ${error instanceof Error ? error.message : String(error)}`, 'correct HELIOGRAPH_POSTGRES_URL');
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
