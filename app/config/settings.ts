import { rateLimits, type RateLimit, type RateLimitName } from '../../protocol/limits.js';
import { mediaSettings } from './media-settings.js';
import { temporalSettings } from './temporal-settings.js';
import {
  list,
  oneOf,
  optionalSecret,
  optionalText,
  port,
  positiveNumber,
  secret,
  someOf,
  text,
  textLike,
  wholeNumber,
  type Setting,
} from './setting.js';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Every variable that Heliograph reads, by concern. docs/configuration.md is made from this. */
export const settings = {
  process: {
    profile: oneOf(
      {
        variable: 'HELIOGRAPH_PROFILE',
        meaning:
          '`embedded`: everything in one process, in a data directory. `distributed`: one or more roles, on Kafka, Redis, Cassandra and PostgreSQL.',
      },
      'embedded',
      ['embedded', 'distributed'],
    ),
    roles: someOf(
      { variable: 'HELIOGRAPH_ROLES', meaning: 'Distributed: what this process does, divided by commas: `gateway`, `pipeline`, `temporal-worker`.' },
      ['gateway', 'pipeline', 'temporal-worker'],
      ['gateway', 'pipeline', 'temporal-worker'],
    ),
    clusterSecret: optionalSecret({
      variable: 'HELIOGRAPH_CLUSTER_SECRET',
      meaning: 'Distributed: at least 32 characters that all processes share; tokens and links between processes are signed with keys made from it.',
    }),
    startTimeoutMs: wholeNumber(
      { variable: 'HELIOGRAPH_START_TIMEOUT_MS', meaning: 'Distributed: how long a start waits for what it needs, in ms.' },
      120_000,
      { min: 1_000, max: hourMs },
    ),
  },
  network: {
    host: text({ variable: 'HELIOGRAPH_HOST', meaning: 'Address that the public and admin ports listen on.' }, '127.0.0.1'),
    publicPort: wholeNumber({ variable: 'HELIOGRAPH_PORT', meaning: 'WebSocket, REST and pages; 0 takes a free port.' }, 8080, port),
    adminPort: wholeNumber(
      { variable: 'HELIOGRAPH_ADMIN_PORT', meaning: 'Health, metrics and calls of operators; never make it public. 0 takes a free port.' },
      9090,
      port,
    ),
    operatorToken: optionalSecret({
      variable: 'HELIOGRAPH_OPERATOR_TOKEN',
      meaning:
        'What operators bring to `/ops/` on the admin port. Embedded: without it one is made in `keys/` of the data directory. Distributed: without it `/ops/` is closed.',
    }),
    allowedOrigins: list(
      { variable: 'HELIOGRAPH_ALLOWED_ORIGINS', meaning: 'Origins that browsers may come from, divided by commas; `*` for all. Empty: none.' },
      [],
    ),
    trustedProxies: wholeNumber(
      {
        variable: 'HELIOGRAPH_TRUSTED_PROXIES',
        meaning: 'Proxies in front that add to `X-Forwarded-For`: limits per address count by what they say. 0: nobody is believed.',
      },
      0,
      { min: 0, max: 10 },
    ),
    maxConnections: wholeNumber({ variable: 'HELIOGRAPH_MAX_CONNECTIONS', meaning: 'Open WebSockets of one gateway.' }, 50_000, {
      min: 1,
      max: 1_000_000,
    }),
    maxConnectionsPerAddress: wholeNumber(
      { variable: 'HELIOGRAPH_MAX_CONNECTIONS_PER_ADDRESS', meaning: 'Of those, from one IPv4 address or one /64 network of IPv6.' },
      2_000,
      { min: 1, max: 1_000_000 },
    ),
  },
  storage: {
    dataDirectory: text({ variable: 'HELIOGRAPH_DATA_DIR', meaning: 'Where everything is kept.' }, './.heliograph'),
  },
  postgres: {
    url: optionalSecret({
      variable: 'HELIOGRAPH_POSTGRES_URL',
      meaning: 'A PostgreSQL of your own; without it one is started in the data directory.',
    }),
    maxConnections: wholeNumber({ variable: 'HELIOGRAPH_POSTGRES_MAX_CONNECTIONS', meaning: 'Size of the connection pool.' }, 10, {
      min: 1,
      max: 500,
    }),
  },
  temporal: temporalSettings,
  gateway: {
    id: textLike({ variable: 'HELIOGRAPH_GATEWAY_ID', meaning: 'Name of this gateway, unique among all.' }, 'gateway-1', {
      form: /^[\w.-]{1,64}$/,
      fault: 'must be 1 to 64 letters, digits or any of _.-',
    }),
    windowItems: wholeNumber({ variable: 'HELIOGRAPH_SESSION_WINDOW', meaning: 'Un-acked items of a live session.' }, 64, { min: 1, max: 10_000 }),
    linkPort: wholeNumber(
      {
        variable: 'HELIOGRAPH_LINK_PORT',
        meaning: 'Distributed: where pipelines and workers reach this gateway; never make it public. 0 takes a free port.',
      },
      7070,
      port,
    ),
    linkHost: text(
      { variable: 'HELIOGRAPH_LINK_HOST', meaning: 'Distributed: the name or address by which pipelines and workers reach this gateway.' },
      '127.0.0.1',
    ),
    drainMs: wholeNumber(
      {
        variable: 'HELIOGRAPH_GATEWAY_DRAIN_MS',
        meaning: 'Over how long a gateway that is stopped sends its sessions to others, in ms. 0: at once.',
      },
      0,
      { min: 0, max: hourMs },
    ),
    permitKey: optionalText({
      variable: 'HELIOGRAPH_REGISTRATION_PERMIT_KEY',
      meaning: 'Ed25519 public key (32 bytes, base64url) of the sign-up service whose permits registrations need; without it anybody may register.',
    }),
    tokenLifetimeMs: wholeNumber({ variable: 'HELIOGRAPH_TOKEN_LIFETIME_MS', meaning: 'Life of an access token, in ms.' }, hourMs, {
      min: 1_000,
      max: dayMs,
    }),
  },
  log: {
    partitions: wholeNumber({ variable: 'HELIOGRAPH_LOG_PARTITIONS', meaning: 'Partitions of each topic; fixed once there are data.' }, 6, {
      min: 1,
      max: 64,
    }),
    messagesMaxAgeMs: wholeNumber(
      { variable: 'HELIOGRAPH_LOG_MESSAGES_MAX_AGE_MS', meaning: 'How long the log keeps messages that were handled.' },
      7 * dayMs,
      {
        min: hourMs,
        max: 365 * dayMs,
      },
    ),
    receiptsMaxAgeMs: wholeNumber({ variable: 'HELIOGRAPH_LOG_RECEIPTS_MAX_AGE_MS', meaning: 'The same for receipts.' }, dayMs, {
      min: hourMs,
      max: 365 * dayMs,
    }),
    maxBytesPerPartition: wholeNumber(
      { variable: 'HELIOGRAPH_LOG_MAX_PARTITION_BYTES', meaning: 'Size of a partition above which its oldest records go.' },
      4 * 1024 ** 3,
      {
        min: 1024 ** 2,
        max: 1024 ** 4,
      },
    ),
  },
  kafka: {
    brokers: list({ variable: 'HELIOGRAPH_KAFKA_BROKERS', meaning: 'Distributed: `host:port` of some brokers, divided by commas.' }, [
      '127.0.0.1:9092',
    ]),
    prefix: text({ variable: 'HELIOGRAPH_KAFKA_PREFIX', meaning: 'Distributed: before the names of topics and consumer groups.' }, 'heliograph'),
    replicationFactor: wholeNumber(
      { variable: 'HELIOGRAPH_KAFKA_REPLICATION', meaning: 'Distributed: copies of each topic; with 1 a record is synced to disk before it counts.' },
      3,
      { min: 1, max: 9 },
    ),
  },
  redis: {
    url: secret({ variable: 'HELIOGRAPH_REDIS_URL', meaning: 'Distributed: where Redis is.' }, 'redis://127.0.0.1:6379'),
    prefix: text({ variable: 'HELIOGRAPH_REDIS_PREFIX', meaning: 'Distributed: before the names of keys and channels.' }, 'heliograph'),
  },
  cassandra: {
    contactPoints: list({ variable: 'HELIOGRAPH_CASSANDRA_CONTACT_POINTS', meaning: 'Distributed: `host:port` of some nodes, divided by commas.' }, [
      '127.0.0.1:9042',
    ]),
    datacenter: text({ variable: 'HELIOGRAPH_CASSANDRA_DATACENTER', meaning: 'Distributed: the data center that is near.' }, 'datacenter1'),
    keyspace: text({ variable: 'HELIOGRAPH_CASSANDRA_KEYSPACE', meaning: 'Distributed: the keyspace; made if it is missing.' }, 'heliograph'),
    replicationFactor: wholeNumber(
      { variable: 'HELIOGRAPH_CASSANDRA_REPLICATION', meaning: 'Distributed: copies of each row, for a keyspace that is made.' },
      3,
      { min: 1, max: 9 },
    ),
    username: optionalText({ variable: 'HELIOGRAPH_CASSANDRA_USERNAME', meaning: 'Distributed: who logs in to Cassandra; without it nobody does.' }),
    password: optionalSecret({ variable: 'HELIOGRAPH_CASSANDRA_PASSWORD', meaning: 'Distributed: the password for it.' }),
  },
  s3: {
    url: optionalText({
      variable: 'HELIOGRAPH_S3_URL',
      meaning: "Distributed: an S3 server that is not Amazon's, for example `http://127.0.0.1:8333`; without it the region's own.",
    }),
    publicUrl: optionalText({
      variable: 'HELIOGRAPH_S3_PUBLIC_URL',
      meaning: 'Distributed: the same server as devices reach it; without it `HELIOGRAPH_S3_URL`.',
    }),
    region: text({ variable: 'HELIOGRAPH_S3_REGION', meaning: 'Distributed: the region that requests are signed for.' }, 'us-east-1'),
    bucket: text({ variable: 'HELIOGRAPH_S3_BUCKET', meaning: 'Distributed: the bucket; made if it is missing.' }, 'heliograph'),
    accessKeyId: optionalText({
      variable: 'HELIOGRAPH_S3_ACCESS_KEY_ID',
      meaning: "Distributed: who signs; without it the credentials of the environment, as Amazon's tools look for them.",
    }),
    secretAccessKey: optionalSecret({ variable: 'HELIOGRAPH_S3_SECRET_ACCESS_KEY', meaning: 'Distributed: the secret for it.' }),
  },
  push: {
    vapidPrivateKey: optionalSecret(
      {
        variable: 'HELIOGRAPH_PUSH_VAPID_PRIVATE_KEY',
        meaning: 'What pushes are signed with (VAPID), 32 bytes as base64url: docs/push.md. Distributed: without it nobody is woken.',
      },
      { form: /^[A-Za-z0-9_-]{43}$/, fault: 'must be 32 bytes as base64url without padding: 43 characters' },
    ),
    vapidSubject: textLike(
      {
        variable: 'HELIOGRAPH_PUSH_VAPID_SUBJECT',
        meaning: 'Where push services reach the operator, `mailto:` or `https:`; some refuse pushes without a real one.',
      },
      'mailto:operator@example.org',
      { form: /^(mailto:|https:\/\/)./, fault: 'must begin with mailto: or https://' },
    ),
    quietMs: wholeNumber(
      { variable: 'HELIOGRAPH_PUSH_QUIET_MS', meaning: 'For how long a device that was woken gets no other push, in ms.' },
      60_000,
      { min: 1_000, max: dayMs },
    ),
    afterLossMs: wholeNumber(
      {
        variable: 'HELIOGRAPH_PUSH_AFTER_LOSS_MS',
        meaning: 'How long devices of a gateway that was lost have to come back by themselves before they are woken, in ms.',
      },
      60_000,
      { min: 1_000, max: hourMs },
    ),
    allowPrivate: oneOf(
      {
        variable: 'HELIOGRAPH_PUSH_ALLOW_PRIVATE',
        meaning: 'For tests and development: `yes` lets devices name push services in private networks, and without TLS.',
      },
      'no',
      ['no', 'yes'],
    ),
  },
  history: {
    maxAgeMs: wholeNumber({ variable: 'HELIOGRAPH_HISTORY_MAX_AGE_MS', meaning: 'How long history is kept.' }, 365 * dayMs, {
      min: hourMs,
      max: 3650 * dayMs,
    }),
  },
  media: mediaSettings,
  logging: {
    level: oneOf({ variable: 'HELIOGRAPH_LOG_LEVEL', meaning: 'Least severe log line that is written.' }, 'info', [
      'trace',
      'debug',
      'info',
      'warn',
      'error',
      'silent',
    ]),
  },
};

type RateLimitSettings = Readonly<Record<'burst' | 'perSecond', Setting<number>>>;

/** `HELIOGRAPH_LIMIT_<NAME>_BURST` and `_PER_SECOND` for each bucket of protocol/limits.ts. */
export const rateLimitSettings: Readonly<Record<RateLimitName, RateLimitSettings>> = {
  send: limitSettings('send'),
  recipient: limitSettings('recipient'),
  hello: limitSettings('hello'),
  admission: limitSettings('admission'),
  prekeyBundle: limitSettings('prekeyBundle'),
  token: limitSettings('token'),
  typing: limitSettings('typing'),
  typingDevice: limitSettings('typingDevice'),
  groupChange: limitSettings('groupChange'),
  privacyChange: limitSettings('privacyChange'),
  join: limitSettings('join'),
  link: limitSettings('link'),
  explain: limitSettings('explain'),
  media: limitSettings('media'),
  mediaBytes: limitSettings('mediaBytes'),
  registration: limitSettings('registration'),
};

function limitSettings(name: RateLimitName): RateLimitSettings {
  const limit: RateLimit = rateLimits[name];
  const prefix = `HELIOGRAPH_LIMIT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
  return {
    burst: wholeNumber({ variable: `${prefix}_BURST`, meaning: `How many at once, bucket \`${name}\`.` }, limit.burst, {
      min: 1,
      max: 1_000_000_000,
    }),
    perSecond: positiveNumber({ variable: `${prefix}_PER_SECOND`, meaning: `How many a second after that, bucket \`${name}\`.` }, limit.perSecond),
  };
}
