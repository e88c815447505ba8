/** Ports of the loopback address that the engines of `npm run stack` listen on; not their usual ones, so that the stack is in nobody's way. */
export const stackPorts = {
  kafka: 19_092,
  kafkaController: 19_093,
  cassandra: 19_042,
  cassandraStorage: 19_700,
  redis: 16_379,
  s3: 18_333,
  postgres: 15_432,
  temporal: 17_233,
  temporalUi: 17_234,
  /** HAProxy, before the gateways. */
  public: 18_080,
  gateways: [
    { public: 18_101, link: 18_111, admin: 18_121 },
    { public: 18_102, link: 18_112, admin: 18_122 },
  ],
  pipelines: [{ admin: 18_131 }, { admin: 18_132 }],
  temporalWorkers: [{ admin: 18_141 }, { admin: 18_142 }],
} as const;

/** For machines of developers: the engines listen on the loopback address alone. */
export const stackCredentials = {
  postgres: { user: 'heliograph', password: 'heliograph', database: 'heliograph' },
  s3: { accessKeyId: 'heliograph', secretAccessKey: 'heliograph-secret' },
} as const;

const { postgres } = stackCredentials;

export const stackEndpoints = {
  kafkaBrokers: [`127.0.0.1:${stackPorts.kafka}`],
  cassandraContactPoints: [`127.0.0.1:${stackPorts.cassandra}`],
  cassandraDatacenter: 'datacenter1',
  redisUrl: `redis://127.0.0.1:${stackPorts.redis}`,
  s3Url: `http://127.0.0.1:${stackPorts.s3}`,
  postgresUrl: `postgres://${postgres.user}:${postgres.password}@127.0.0.1:${stackPorts.postgres}/${postgres.database}`,
  temporalAddress: `127.0.0.1:${stackPorts.temporal}`,
  publicUrl: `http://127.0.0.1:${stackPorts.public}`,
  temporalUiUrl: `http://127.0.0.1:${stackPorts.temporalUi}`,
} as const;
