import { CassandraClient } from '../adapters/cassandra/cassandra-client.js';
import { createCassandraHistory } from '../adapters/cassandra/cassandra-history.js';
import { createCassandraInbox } from '../adapters/cassandra/cassandra-inbox.js';
import { createCassandraWatermarks } from '../adapters/cassandra/cassandra-watermarks.js';
import { migrate, type MigrateOptions } from '../adapters/cassandra/migrate.js';
import { createKafkaEventLog, type KafkaEventLog } from '../adapters/kafka/kafka-event-log.js';
import { TopicError } from '../adapters/kafka/topics.js';
import { createRedisAnnouncements } from '../adapters/redis/announcements.js';
import { RedisChannels } from '../adapters/redis/channels.js';
import { createRedisGatewayAddresses } from '../adapters/redis/gateway-addresses.js';
import { createRedisLostGateways } from '../adapters/redis/lost-gateways.js';
import { createRedisDrainPause } from '../adapters/redis/drain-pause.js';
import { createRedisHeads } from '../adapters/redis/heads.js';
import { createRedisQuietPeriods } from '../adapters/redis/quiet-periods.js';
import { createRedisPresence } from '../adapters/redis/presence.js';
import { createRedisRateLimiter } from '../adapters/redis/rate-limiter.js';
import { RedisConnection } from '../adapters/redis/redis-connection.js';
import { createRedisSessionRegistry } from '../adapters/redis/session-registry.js';
import { createRedisSignals } from '../adapters/redis/signals.js';
import { createRedisWaitingLine } from '../adapters/redis/waiting-line.js';
import { createS3BlobStore, type S3BlobStore } from '../adapters/s3/s3-blob-store.js';
import { createMemoryAnnouncements } from '../adapters/memory/announcements.js';
import { createMemoryRateLimiter } from '../adapters/memory/rate-limiter.js';
import { MigrationError } from '../core/pending-migrations.js';
import type { Clock } from '../ports/clock.js';
import { DomainError } from '../protocol/errors.js';
import type { Logger } from '../telemetry/logger.js';
import type { Closer } from './closer.js';
import type { Config } from './config/load-config.js';
import { quietAwsSdk } from './config/quiet-aws-sdk.js';
import { inboxMaxAgeMs } from './profiles/sizes.js';
import { requiredSetting } from './required-setting.js';
import { StartError } from './start-error.js';
import { untilAvailable } from './until-available.js';

const dayMs = 24 * 3_600_000;
const indexMaxAgeMs = 30 * dayMs;
const maxWaitingAppendBytes = 256 * 1024 * 1024;

export interface SharedStoresOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly closer: Closer;
  /** Called once for each engine that does not answer yet. */
  readonly waiting: (name: string) => void;
}

/** Kafka, with its topics made and checked. Throws StartError. */
export async function openKafka(options: SharedStoresOptions, epoch: number): Promise<KafkaEventLog> {
  const { config, clock, logger, closer } = options;
  const { log, kafka } = config;
  const eventLog = await patiently(options, 'Kafka', 'HELIOGRAPH_KAFKA_BROKERS', () =>
    createKafkaEventLog({
      ...kafka,
      epoch,
      partitions: log.partitions,
      maxAgeMs: { messages: log.messagesMaxAgeMs, receipts: log.receiptsMaxAgeMs, push: dayMs },
      maxWaitingBytes: maxWaitingAppendBytes,
      clock,
      onFailed: (error) => {
        logger.warn({ err: error }, 'kafka consumer is in trouble, it goes on when kafka answers');
      },
    }),
  );
  closer.add('kafka', () => eventLog.close());
  return eventLog;
}

/** Cassandra, with its keyspace and tables made. Throws StartError. */
export async function openCassandra(options: SharedStoresOptions) {
  const { config, clock, closer } = options;
  const { contactPoints, datacenter, keyspace, replicationFactor, username, password } = config.cassandra;
  const credentials = username === undefined ? undefined : { username, password: password?.reveal() ?? '' };
  const cassandra: MigrateOptions = { contactPoints, localDatacenter: datacenter, keyspace, replicationFactor, credentials };
  const client = await patiently(options, 'Cassandra', 'HELIOGRAPH_CASSANDRA_CONTACT_POINTS', async () => {
    await migrate(cassandra);
    const connected = new CassandraClient(cassandra);
    await connected.connect();
    return connected;
  });
  closer.add('cassandra', () => client.close());
  const inbox = createCassandraInbox(client, { maxAgeMs: inboxMaxAgeMs });
  return {
    inbox,
    quarantine: inbox.quarantine,
    history: createCassandraHistory(client, { clock, maxAgeMs: config.history.maxAgeMs, indexMaxAgeMs }),
    watermarks: createCassandraWatermarks(client, { maxAgeMs: config.history.maxAgeMs }),
    ping: () => client.ping(),
  };
}

/** Redis: a connection for commands and one that listens. Throws StartError. */
export async function openRedis(options: SharedStoresOptions) {
  const { config, logger, closer } = options;
  const connect = async () => {
    let warned = false;
    const connection = new RedisConnection({
      url: config.redis.url.reveal(),
      prefix: config.redis.prefix,
      onLost: (error) => {
        logger[warned ? 'debug' : 'warn']({ err: error }, 'redis is away, it is tried again');
        warned = true;
      },
    });
    closer.add('redis', () => {
      connection.close();
    });
    await patiently(options, 'Redis', 'HELIOGRAPH_REDIS_URL', () => connection.connect());
    return connection;
  };
  const connection = await connect();
  const subscriber = await connect();
  const channels = new RedisChannels(connection, subscriber);
  return {
    registry: createRedisSessionRegistry(connection),
    lostGateways: createRedisLostGateways(connection),
    rateLimiter: createRedisRateLimiter(connection, config.limits, createMemoryRateLimiter(config.limits, options.clock)),
    line: createRedisWaitingLine(connection),
    quietPeriods: createRedisQuietPeriods(connection, config.push.quietMs),
    drainPause: createRedisDrainPause(connection),
    announcements: await createRedisAnnouncements({ connection, subscriber, ofThisProcess: createMemoryAnnouncements() }),
    signals: createRedisSignals(connection, channels),
    presence: createRedisPresence(connection, channels),
    heads: createRedisHeads(connection, channels),
    addresses: createRedisGatewayAddresses(connection),
    ping: () => connection.ping(),
  };
}

/** S3, with its bucket made. While it is away everything else goes on, so nothing waits for it. Throws StartError when it refuses. */
export async function openS3({ config, logger, closer }: SharedStoresOptions): Promise<S3BlobStore> {
  const { url, publicUrl, region, bucket, accessKeyId, secretAccessKey } = config.s3;
  const credentials = accessKeyId === undefined ? undefined : { accessKeyId, secretAccessKey: secretAccessKey?.reveal() ?? '' };
  quietAwsSdk();
  const blobs = createS3BlobStore({ url, publicUrl, region, bucket, credentials });
  closer.add('s3', () => {
    blobs.close();
  });
  try {
    await blobs.prepare();
  } catch (error) {
    if (!(error instanceof DomainError))
      throw new StartError(
        `S3 refuses: ${error instanceof Error ? error.message : String(error)}`,
        'correct HELIOGRAPH_S3_URL, its keys or its bucket',
      );
    logger.warn({ err: error }, 's3 is away, there are no media until it answers');
  }
  return blobs;
}

/** The same, for those who do nothing without a bucket: waits until S3 answers. Throws StartError. */
export async function makeBucket(options: SharedStoresOptions): Promise<void> {
  const blobs = await openS3(options);
  await patiently(options, 'S3', 'HELIOGRAPH_S3_URL', () => blobs.prepare());
}

/** Where PostgreSQL is, and how long to wait for it. Throws StartError when nobody said. */
export function sharedPostgres({ postgres: { url, maxConnections }, process: { startTimeoutMs: timeoutMs } }: Config) {
  const remedy = 'start it, or correct HELIOGRAPH_POSTGRES_URL';
  return { url: requiredSetting(url, 'HELIOGRAPH_POSTGRES_URL'), maxConnections, timeoutMs, remedy };
}

async function patiently<Result>(options: SharedStoresOptions, name: string, variable: string, attempt: () => Promise<Result>): Promise<Result> {
  const { config, waiting } = options;
  const remedy = `start it, or correct ${variable}`;
  try {
    return await untilAvailable({ name, remedy, timeoutMs: config.process.startTimeoutMs, waiting }, attempt);
  } catch (error) {
    if (error instanceof TopicError)
      throw new StartError(error.message, 'make another topic by HELIOGRAPH_KAFKA_PREFIX, or correct HELIOGRAPH_LOG_PARTITIONS');
    if (error instanceof MigrationError) throw new StartError(error.message, 'use the version that belongs to this keyspace, or another keyspace');
    throw error;
  }
}
