import { createSystemClock } from '../adapters/system/system-clock.js';
import { createLogger } from '../telemetry/logger.js';
import { allOrThrow } from './all-or-throw.js';
import { Closer } from './closer.js';
import { ConfigError, loadConfig, type Config } from './config/load-config.js';
import { openDirectory } from './open-directory.js';
import { makeBucket, openCassandra, openKafka, sharedPostgres } from './open-shared-stores.js';
import { messagesEpoch } from './profiles/sizes.js';
import { StartError } from './start-error.js';

const nameWidth = 10;

/**
 * Makes what the distributed profile keeps in its engines, or brings it up to this version: topics, keyspace and tables, database, bucket; tells on stdout what it does.
 * Each start does the same; several may at once. `defaults` are settings that the environment may override. Throws StartError.
 */
export async function migrate(defaults: Readonly<Record<string, string>>): Promise<void> {
  const config = readConfig(defaults);
  const logger = createLogger(config.logging.level, { write: (line) => process.stderr.write(line) });
  const closer = new Closer(logger);
  const options = {
    config,
    logger,
    closer,
    clock: createSystemClock(),
    waiting: (name: string) => {
      say(name, 'does not answer yet');
    },
  };
  const told = async (name: string, work: Promise<unknown>) => {
    await work;
    say(name, 'is up to date');
  };
  try {
    const postgres = sharedPostgres(config);
    await allOrThrow([
      told('Kafka', openKafka(options, messagesEpoch)),
      told('Cassandra', openCassandra(options)),
      told('PostgreSQL', openDirectory({ ...postgres, ...options })),
      told('S3', makeBucket(options)),
    ]);
  } finally {
    await closer.close();
  }
}

function readConfig(defaults: Readonly<Record<string, string>>): Config {
  try {
    return loadConfig(undefined, defaults);
  } catch (error) {
    if (error instanceof ConfigError) throw new StartError(error.message.replaceAll('\n', '; '), 'see docs/configuration.md');
    throw error;
  }
}

function say(name: string, text: string): void {
  process.stdout.write(`  ${name.padEnd(nameWidth)} ${text}\n`);
}
