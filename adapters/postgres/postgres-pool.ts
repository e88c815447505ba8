import { Client, Pool, types, type ClientConfig, type PoolClient, type QueryResultRow } from 'pg';

import { DomainError } from '../../protocol/errors.js';
import { preparedQuery, type QueryName } from './queries.js';

const connectTimeoutMs = 3_000;
const statementTimeoutMs = 5_000;
/** For a server that does not even say that a statement took too long. */
const answerTimeoutMs = 6_000;
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
  readonly #connection: ClientConfig;
  readonly #pool: Pool;

  constructor({ url, maxConnections, onLost }: PostgresPoolOptions) {
    this.#connection = { connectionString: url, connectionTimeoutMillis: connectTimeoutMs, application_name: 'heliograph' };
    this.#pool = new Pool({
      ...this.#connection,
      max: maxConnections,
      idleTimeoutMillis: idleTimeoutMs,
      statement_timeout: statementTimeoutMs,
      query_timeout: answerTimeoutMs,
    });
    this.#pool.on('error', (error) => {
      // The pool says it has ended before its connections have: the server may end one first.
      if (!this.#pool.ending) onLost(error);
    });
    // The pool listens once while a query runs; a server that is killed can give a connection two errors.
    this.#pool.on('connect', (client) => client.on('error', isToldByTheNextQuery));
  }

  rows<Row extends QueryResultRow>(query: QueryName, ...values: readonly unknown[]): Promise<readonly Row[]> {
    return translated(async () => (await this.#pool.query<Row>(preparedQuery(query, values))).rows);
  }

  change(query: QueryName, ...values: readonly unknown[]): Promise<number> {
    return translated(async () => (await this.#pool.query(preparedQuery(query, values))).rowCount ?? 0);
  }

  /** All or nothing. */
  transaction<Result>(work: (runner: PostgresRunner) => Promise<Result>): Promise<Result> {
    return translated(async () => {
      const client = await this.#pool.connect();
      let reusable = false;
      try {
        await client.query('BEGIN');
        const result = await work(runnerOf(client));
        await client.query('COMMIT');
        reusable = true;
        return result;
      } catch (error) {
        // After any other error the connection is given up, which rolls back too.
        reusable = error instanceof DomainError && (await rolledBack(client));
        throw error;
      } finally {
        client.release(!reusable);
      }
    });
  }

  /** A connection of its own outside the pool, on which statements take as long as they need. */
  apart<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    return translated(async () => {
      const client = new Client(this.#connection);
      client.on('error', isToldByTheNextQuery);
      try {
        await client.connect();
        return await work(client);
      } finally {
        await client.end().catch(() => undefined);
      }
    });
  }

  /** Resolves when the database answers. Throws DomainError `unavailable` while it is away, the driver's Error when it refuses for good. */
  async check(): Promise<void> {
    await translated(() => this.#pool.query('SELECT 1'));
  }

  /** Whether it answers. */
  ping(): Promise<boolean> {
    return this.check().then(
      () => true,
      () => false,
    );
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

/** A connection that is lost between two queries emits an error, which without a listener ends the process. */
function isToldByTheNextQuery(): void {
  // The next query on it rejects.
}

function rolledBack(client: PoolClient): Promise<boolean> {
  return client.query('ROLLBACK').then(
    () => true,
    () => false,
  );
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

/**
 * By SQLSTATE class: connection exceptions (08), deadlocks (40), exhausted resources (53), shut-downs, starts and statement time-outs (57); by code for sockets and
 * host names. Only what has no code, the driver's own errors, is told by its text.
 */
function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string') return /^(08|40|53|57)...$|^E(?!RR_)[A-Z_]+$/.test(error.code);
  return /timeout|terminated|not queryable/i.test(error.message);
}
