import { Admin } from '@platformatic/kafka';
import { Client as PostgresClient } from 'pg';

import { createSchemaClient } from '../../adapters/cassandra/cassandra-client.js';
import { stackEndpoints } from '../../app/stack/endpoints.js';

/** Removes what a cluster of that name left in the engines; what it left in Redis expires. */
export async function dropCluster(name: string): Promise<void> {
  await Promise.all([dropTopics(name), dropKeyspace(name), dropDatabase(name)]);
}

export async function dropTopics(prefix: string): Promise<void> {
  const admin = new Admin({ clientId: 'tests', bootstrapBrokers: [...stackEndpoints.kafkaBrokers] });
  const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${prefix}.`));
  if (topics.length > 0) await admin.deleteTopics({ topics });
  await admin.close();
}

export async function dropKeyspace(name: string): Promise<void> {
  const client = createSchemaClient({
    contactPoints: stackEndpoints.cassandraContactPoints,
    localDatacenter: stackEndpoints.cassandraDatacenter,
  });
  await client.execute(`DROP KEYSPACE IF EXISTS ${name}`);
  await client.shutdown();
}

async function dropDatabase(name: string): Promise<void> {
  const client = new PostgresClient({ connectionString: stackEndpoints.postgresUrl });
  await client.connect();
  await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`);
  await client.end();
}
