import { Client, DatabaseError } from 'pg';

const missingDatabase = '3D000';
/** Somebody else was quicker. */
const exists: readonly (string | undefined)[] = ['42P04', '23505'];

/** Whether an error says that the server is there and the database of the URL is not. */
export function isMissingDatabase(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === missingDatabase;
}

/** Makes the database that the URL names, if its user may. Throws the driver's error. */
export async function createDatabase(url: string): Promise<void> {
  const server = new URL(url);
  const name = decodeURIComponent(server.pathname.slice(1));
  server.pathname = '/postgres';
  const client = new Client({ connectionString: server.href });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  } catch (error) {
    if (!(error instanceof DatabaseError) || !exists.includes(error.code)) throw error;
  } finally {
    await client.end();
  }
}
