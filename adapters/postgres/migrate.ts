import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

import type { Client } from 'pg';

import { pendingMigrations, type MigrationId } from '../../core/pending-migrations.js';
import type { PostgresPool } from './postgres-pool.js';

/** Any number that nothing else in the database locks. */
const lockId = 0x48_45_4c_49;
const directory = new URL('migrations/', import.meta.url);

interface Migration extends MigrationId {
  readonly sql: string;
}

/**
 * Brings the database to this version's schema, each migration in a transaction of its own. Safe to run twice and by several processes at once.
 * Throws MigrationError when the database was migrated by a newer version, or when a migration that it has was changed since.
 */
export async function migrate(pool: PostgresPool): Promise<void> {
  const migrations = readMigrations();
  await pool.apart(async (client) => {
    // Freed when the connection ends.
    await client.query('SELECT pg_advisory_lock($1)', [lockId]);
    await client.query(
      'CREATE TABLE IF NOT EXISTS schema_migration (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())',
    );
    const applied = await client.query<{ name: string; checksum: string }>('SELECT name, checksum FROM schema_migration ORDER BY name');
    for (const migration of pendingMigrations(applied.rows, migrations)) await apply(client, migration);
  });
}

function readMigrations(): readonly Migration[] {
  const names = readdirSync(directory).filter((name) => name.endsWith('.sql'));
  return names.sort().map((name) => {
    const sql = readFileSync(new URL(name, directory), 'utf8');
    return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
  });
}

/** An error ends the connection, and so the transaction. */
async function apply(client: Client, { name, sql, checksum }: Migration): Promise<void> {
  await client.query('BEGIN');
  await client.query(sql);
  await client.query('INSERT INTO schema_migration (name, checksum) VALUES ($1, $2)', [name, checksum]);
  await client.query('COMMIT');
}
