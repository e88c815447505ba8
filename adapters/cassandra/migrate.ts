import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Client } from 'cassandra-driver';

import { pendingMigrations, type MigrationId } from '../../core/pending-migrations.js';
import { createSchemaClient, translated, type CassandraOptions } from './cassandra-client.js';

const directory = new URL('schema/', import.meta.url);
const lockSeconds = 60;
const lockAgainAfterMs = 200;

interface Migration extends MigrationId {
  readonly statements: readonly string[];
}

export interface MigrateOptions extends CassandraOptions {
  readonly replicationFactor: number;
}

/**
 * Makes the keyspace and brings it to this version's schema. Safe to run twice and by several processes at once: one of them works, the others wait.
 * Throws MigrationError when the keyspace was migrated by a newer version, or when a migration that it has was changed since; DomainError `unavailable`.
 */
export async function migrate({ replicationFactor, keyspace, ...options }: MigrateOptions): Promise<void> {
  const client = createSchemaClient(options);
  try {
    await translated(async () => {
      await client.connect();
      await client.execute(
        `CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = {'class': 'NetworkTopologyStrategy', '${options.localDatacenter}': ${replicationFactor}}`,
      );
      await client.execute(`USE ${keyspace}`);
      await client.execute('CREATE TABLE IF NOT EXISTS schema_lock (name text PRIMARY KEY, holder uuid)');
      await client.execute('CREATE TABLE IF NOT EXISTS schema_migration (name text PRIMARY KEY, checksum text, applied_at timestamp)');
      await locked(client, () => applyPending(client));
    });
  } finally {
    await client.shutdown();
  }
}

/** A holder that dies frees it after a minute. */
async function locked(client: Client, work: () => Promise<void>): Promise<void> {
  const holder = randomUUID();
  const take = `INSERT INTO schema_lock (name, holder) VALUES ('migrate', ?) IF NOT EXISTS USING TTL ${lockSeconds}`;
  while (!(await client.execute(take, [holder], { prepare: true })).wasApplied()) await sleep(lockAgainAfterMs);
  try {
    await work();
  } finally {
    await client.execute("DELETE FROM schema_lock WHERE name = 'migrate' IF holder = ?", [holder], { prepare: true });
  }
}

async function applyPending(client: Client): Promise<void> {
  const { rows } = await client.execute('SELECT name, checksum FROM schema_migration');
  const applied = rows.map((row): MigrationId => ({ name: row.get('name') as string, checksum: row.get('checksum') as string }));
  for (const { name, checksum, statements } of pendingMigrations(applied, readMigrations())) {
    for (const statement of statements) await client.execute(statement);
    const done = 'INSERT INTO schema_migration (name, checksum, applied_at) VALUES (?, ?, toTimestamp(now()))';
    await client.execute(done, [name, checksum], { prepare: true });
  }
}

function readMigrations(): readonly Migration[] {
  const names = readdirSync(directory).filter((name) => name.endsWith('.cql'));
  return names.sort().map((name) => {
    const text = readFileSync(new URL(name, directory), 'utf8');
    const statements = text
      .split(';')
      .map((statement) => statement.trim())
      .filter((statement) => statement !== '');
    return { name, statements, checksum: createHash('sha256').update(text).digest('hex') };
  });
}
