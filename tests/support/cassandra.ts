import { randomUUID } from 'node:crypto';

import { CassandraClient } from '../../adapters/cassandra/cassandra-client.js';
import { migrate, type MigrateOptions } from '../../adapters/cassandra/migrate.js';
import { stackEndpoints } from '../../app/stack/endpoints.js';
import { dropKeyspace } from './drop-cluster.js';

export interface CassandraUnderTest {
  readonly client: CassandraClient;
  readonly options: MigrateOptions;
  /** Drops the keyspace. */
  dispose(): Promise<void>;
}

/** On the node of `npm run stack`, in a keyspace of its own. */
export async function openCassandra(): Promise<CassandraUnderTest> {
  const options: MigrateOptions = {
    contactPoints: stackEndpoints.cassandraContactPoints,
    localDatacenter: stackEndpoints.cassandraDatacenter,
    keyspace: `test_${randomUUID().slice(0, 8)}`,
    replicationFactor: 1,
  };
  await migrate(options);
  const client = new CassandraClient(options);
  await client.connect();
  return {
    client,
    options,
    dispose: async () => {
      await client.close();
      await dropKeyspace(options.keyspace);
    },
  };
}
