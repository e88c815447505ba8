import { Pool, types, type PoolClient, type QueryResultRow } from 'pg';

import { DomainError } from '../../protocol/errors.js';
import { preparedQuery, type QueryName } from './queries.js';

const connectTimeoutMs = 3_000;
const statementTimeoutMs = 5_000;
const idleTimeoutMs = 30_000;
const retryAfterMs = 1_000;

// Times and versions: far below 2^53.
types.setTypeParser(types.builtins.INT8, Number);

export interface PostgresPoolOptions {
  readonly url: string;
  readonly maxConnections: number;
  /** A connection that nobody used was lost. */
  readonly onLost: (error: Error) => void;
}

/** Runs named queries, on any connection or on that of a transaction. */
export interface PostgresRunner {
  rows<Row extends QueryResultRow>(query: QueryName, ...values: readonly unknown[]): Promise<readonly Row[]>;
  /** Answers how many rows were changed. */
  change(query: QueryName, ...values: readonly unknown[]): Promise<number>;
}

/** A pool of connections. Everything throws DomainError `unavailable` while the database is away. */
export class PostgresPool implements PostgresRunner {
  readonly #pool: Pool;

  constructor({ url, maxConnections, onLost }: PostgresPoolOptions) {
    this.#pool = new Pool({
      connectionString: url,
      max: maxConnections,
      connectionTimeoutMillis: connectTimeoutMs,
      idleTimeoutMillis: idleTimeoutMs,
      statement_timeout: statementTimeoutMs,
      application_name: 'heliograph',
    });
    this.#pool.on('error', onLost);
  }

  rows<Row extends QueryResultRow>(query: QueryName, ...values: readonly unknown[]): Promise<readonly Row[]> {
    return translated(async () => (await this.#pool.query<Row>(preparedQuery(query, values))).rows);
  }

  change(query: QueryName, ...values: readonly unknown[]): Promise<number> {
    return translated(async () => (await this.#pool.query(preparedQuery(query, values))).rowCount ?? 0);
  }

  /** All or nothing. */
  transaction<Result>(work: (runner: PostgresRunner) => Promise<Result>): Promise<Result> {
    return this.withClient(async (client) => {
      await client.query('BEGIN');
      try {
        const result = await work(runnerOf(client));
        await client.query('COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
  }

  /** One connection for several statements. */
  withClient<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    return translated(async () => {
      const client = await this.#pool.connect();
      let broken = false;
      try {
        return await work(client);
      } catch (error) {
        broken = !(error instanceof DomainError);
        throw error;
      } finally {
        client.release(broken);
      }
    });
  }

  /** Whether it answers. */
  async ping(): Promise<boolean> {
    try {
      await this.#pool.query('SELECT 1');
      return true;
    } catch {
      return false;
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

function runnerOf(client: PoolClient): PostgresRunner {
  return {
    rows: async <Row extends QueryResultRow>(query: QueryName, ...values: readonly unknown[]) =>
      (await client.query<Row>(preparedQuery(query, values))).rows,
    change: async (query, ...values) => (await client.query(preparedQuery(query, values))).rowCount ?? 0,
  };
}

async function translated<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DomainError || !isAway(cause)) throw cause;
    throw new DomainError('unavailable', 'the directory is away', { retryAfterMs, cause });
  }
}

/** Connection exceptions, shut-downs, time-outs and exhausted resources by SQLSTATE; socket errors and the pool's own by code or text. */
function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return /^(08|53|57)|^E[A-Z]+$/.test(code) || /timeout|terminated|not queryable|connection/i.test(error.message);
}
