import type { Logger } from '../telemetry/logger.js';
import type { Closer } from './closer.js';
import type { Config } from './config/load-config.js';
import type { Secret } from './config/secret.js';
import type { DataDirectory } from './data-directory.js';
import { startPostgresServer } from './engines/postgres-server.js';

export interface StartPostgresOptions {
  readonly config: Config;
  readonly data: DataDirectory;
  readonly logger: Logger;
  readonly closer: Closer;
}

/** Where PostgreSQL is: the configured one, or a server of our own in the data directory. */
export async function startPostgres({ config, data, logger, closer }: StartPostgresOptions): Promise<Secret> {
  if (config.postgres.url !== undefined) return config.postgres.url;
  const server = await startPostgresServer({ directory: data.subdirectory('postgres'), keyDirectory: data.subdirectory('keys'), logger });
  closer.add('postgres', () => server.stop());
  return server.url;
}
