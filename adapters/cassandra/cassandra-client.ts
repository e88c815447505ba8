import { auth, Client, concurrent, errors, policies, types } from 'cassandra-driver';

import { DomainError } from '../../protocol/errors.js';

const connectTimeoutMs = 3_000;
const answerTimeoutMs = 5_000;
/** The whole cluster makes a table, and a busy one takes its time. */
const schemaAnswerTimeoutMs = 30_000;
const reconnectMs = 500;
const retryAfterMs = 1_000;
/** Statements of one call that are under way at a time. */
const statementsAtOnce = 64;

export interface CassandraOptions {
  /** `host:port` each. */
  readonly contactPoints: readonly string[];
  readonly localDatacenter: string;
  readonly keyspace: string;
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
}

export type Values = readonly unknown[];

export interface Statement {
  readonly query: string;
  readonly params: Values;
}

/** Statements of one partition, done as a whole. */
export type Batch = readonly Statement[];

/** Prepared, idempotent statements in one keyspace, with LOCAL_QUORUM. Everything throws DomainError `unavailable` while Cassandra is away. */
export class CassandraClient {
  readonly #client: Client;

  constructor({ contactPoints, localDatacenter, keyspace, credentials }: CassandraOptions) {
    this.#client = createClient({ contactPoints, localDatacenter, credentials }, keyspace, answerTimeoutMs);
  }

  connect(): Promise<void> {
    return translated(() => this.#client.connect());
  }

  async rows(query: string, ...params: Values): Promise<types.Row[]> {
    return (await translated(() => this.#client.execute(query, [...params], { prepare: true }))).rows;
  }

  /** One statement for each list of values, side by side, answered in their order. */
  rowsOfEach(query: string, params: readonly Values[]): Promise<readonly types.Row[][]> {
    return translated(async () => {
      const { resultItems } = await concurrent.executeConcurrent(
        this.#client,
        query,
        params.map((values) => [...values]),
        { concurrencyLevel: statementsAtOnce, raiseOnFirstError: true, collectResults: true },
      );
      return (resultItems as types.ResultSet[]).map(({ rows }) => rows);
    });
  }

  /** Series side by side; of each, one batch after the other, so that nobody sees a later one without those before. */
  async write(series: readonly (readonly Batch[])[]): Promise<void> {
    await translated(async () => {
      const queue = [...series];
      const work = async () => {
        for (let batches = queue.pop(); batches !== undefined; batches = queue.pop()) for (const batch of batches) await this.#writeOne(batch);
      };
      await Promise.all(Array.from({ length: Math.min(statementsAtOnce, series.length) }, work));
    });
  }

  async ping(): Promise<boolean> {
    await this.rows('SELECT key FROM system.local');
    return true;
  }

  close(): Promise<void> {
    return this.#client.shutdown();
  }

  async #writeOne(batch: Batch): Promise<void> {
    const [only] = batch;
    if (only === undefined) return;
    if (batch.length === 1) await this.#client.execute(only.query, [...only.params], { prepare: true });
    else
      await this.#client.batch(
        batch.map(({ query, params }) => ({ query, params: [...params] })),
        { prepare: true, logged: false },
      );
  }
}

/** For whoever makes or drops keyspaces and tables. */
export function createSchemaClient(options: Omit<CassandraOptions, 'keyspace'>): Client {
  return createClient(options, undefined, schemaAnswerTimeoutMs);
}

function createClient(
  { contactPoints, localDatacenter, credentials }: Omit<CassandraOptions, 'keyspace'>,
  keyspace: string | undefined,
  readTimeout: number,
): Client {
  return new Client({
    contactPoints: [...contactPoints],
    localDataCenter: localDatacenter,
    ...(keyspace === undefined ? {} : { keyspace }),
    ...(credentials === undefined ? {} : { authProvider: new auth.PlainTextAuthProvider(credentials.username, credentials.password) }),
    socketOptions: { connectTimeout: connectTimeoutMs, readTimeout },
    queryOptions: { consistency: types.consistencies.localQuorum, isIdempotent: true },
    policies: { reconnection: new policies.reconnection.ConstantReconnectionPolicy(reconnectMs) },
  });
}

export async function translated<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!isAway(error)) throw error;
    throw new DomainError('unavailable', 'the message store is away', { retryAfterMs, cause: error });
  }
}

/** Anything that another time or another node may answer otherwise; a statement that is wrong stays wrong. */
function isAway(error: unknown): boolean {
  if (error instanceof errors.ResponseError) return !wrong.has(error.code);
  return (
    error instanceof errors.NoHostAvailableError || error instanceof errors.OperationTimedOutError || error instanceof errors.BusyConnectionError
  );
}

const { responseErrorCodes: codes } = types;
const wrong = new Set<number>([codes.syntaxError, codes.invalid, codes.unauthorized, codes.badCredentials, codes.configError, codes.protocolError]);
