import {
  Connection,
  FindCoordinatorKeyTypes,
  findCoordinatorV6,
  GenericError,
  metadataV12,
  NetworkError,
  ResponseError,
  type API,
} from '@platformatic/kafka';

import { DomainError } from '../../protocol/errors.js';

export const retryAfterMs = 500;
const connectTimeoutMs = 2_000;

export interface Broker {
  readonly host: string;
  readonly port: number;
}

export interface TopicLayout {
  readonly id: string;
  /** The broker to ask, for each partition. */
  readonly leaders: readonly Broker[];
}

export interface ClusterClientOptions {
  /** `host:port` of any brokers of the cluster. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly requestTimeoutMs: number;
}

/**
 * Asks the brokers of a cluster, over one connection to each. A broker answers the requests of a connection one after the other, so whatever waits at the broker (a fetch) or must not
 * wait (a heartbeat) has a client of its own. After a failure the connection is given up, and who leads what is asked anew: the library leaves a connection whose answer came late unusable.
 */
export class ClusterClient {
  readonly #options: ClusterClientOptions;
  readonly #connections = new Map<string, Promise<Connection>>();
  readonly #layouts = new Map<string, Promise<TopicLayout>>();
  readonly #coordinators = new Map<string, Promise<Broker>>();
  #closed = false;

  constructor(options: ClusterClientOptions) {
    this.#options = options;
  }

  async ask<Request extends unknown[], Answer>(broker: Broker, api: API<Request, Answer>, ...request: Request): Promise<Answer> {
    const key = keyOf(broker);
    let connection = this.#connections.get(key);
    if (connection === undefined) {
      connection = this.#connect(broker);
      this.#connections.set(key, connection);
    }
    try {
      return await api.async(await connection, ...request);
    } catch (error) {
      this.#layouts.clear();
      this.#coordinators.clear();
      if (error instanceof ResponseError) throw error;
      this.#drop(key, connection);
      throw isOfLibrary(error) || error instanceof DomainError ? error : new NetworkError('an answer could not be read', { cause: error as Error });
    }
  }

  /** Asks the first broker that answers; for what each of them can tell or passes on. */
  async askAny<Request extends unknown[], Answer>(api: API<Request, Answer>, ...request: Request): Promise<Answer> {
    let failure: unknown;
    for (const broker of this.#options.brokers) {
      const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(broker) ?? [];
      try {
        return await this.ask({ host, port: Number(port) }, api, ...request);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** Throws DomainError `unavailable` while a partition has no leader. */
  layout(topic: string): Promise<TopicLayout> {
    return remembered(this.#layouts, topic, async () => {
      const { brokers, topics } = await this.askAny(metadataV12.api, [topic], false, false);
      const { topicId: id, partitions } = one(topics);
      const leaders: Broker[] = [];
      for (const { partitionIndex, leaderId } of partitions) {
        const leader = brokers.find(({ nodeId }) => nodeId === leaderId);
        if (leader === undefined) throw new DomainError('unavailable', `partition ${partitionIndex} of ${topic} has no leader`, { retryAfterMs });
        leaders[partitionIndex] = leader;
      }
      return { id, leaders };
    });
  }

  coordinator(groupId: string): Promise<Broker> {
    return remembered(this.#coordinators, groupId, async () => {
      const { coordinators } = await this.askAny(findCoordinatorV6.api, FindCoordinatorKeyTypes.GROUP, [groupId]);
      return one(coordinators);
    });
  }

  /** What is under way fails. */
  close(): void {
    this.#closed = true;
    for (const [key, connection] of [...this.#connections]) this.#drop(key, connection);
  }

  async #connect({ host, port }: Broker): Promise<Connection> {
    if (this.#closed) throw new DomainError('unavailable', 'the client of the message log is closed', { retryAfterMs });
    const connection = new Connection(this.#options.clientId, { connectTimeout: connectTimeoutMs, requestTimeout: this.#options.requestTimeoutMs });
    // A request under way fails by itself; without a listener an error would end the process.
    connection.on('error', () => undefined);
    await connection.connect(host, port);
    return connection;
  }

  #drop(key: string, connection: Promise<Connection>): void {
    if (this.#connections.get(key) === connection) this.#connections.delete(key);
    connection.then(({ socket }) => socket.destroy()).catch(() => undefined);
  }
}

export function keyOf({ host, port }: Broker): string {
  return `${host}:${port}`;
}

/** Throws DomainError `unavailable` for a partition that the topic does not show. */
export function leaderOf({ leaders }: TopicLayout, partition: number): Broker {
  const leader = leaders[partition];
  if (leader === undefined) throw new DomainError('unavailable', `partition ${partition} is missing`, { retryAfterMs });
  return leader;
}

/** Whether Kafka answered with one of these errors (its own names), for anything that was asked. */
export function isAnswer(error: unknown, ...names: readonly string[]): boolean {
  return isOfLibrary(error) && names.some((name) => error.findBy('apiId', name) !== null);
}

/** Of one failure or of several at once; both can be searched. */
export function isOfLibrary(error: unknown): error is GenericError {
  return error instanceof Error && GenericError.isGenericError(error);
}

/** Runs it; what Kafka or the way to it refuses becomes DomainError `unavailable`. */
export async function translated<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!isOfLibrary(error)) throw error;
    throw new DomainError('unavailable', 'the message log is away', { retryAfterMs, cause: error });
  }
}

function remembered<Value>(memory: Map<string, Promise<Value>>, key: string, find: () => Promise<Value>): Promise<Value> {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const found = find();
  memory.set(key, found);
  found.catch(() => {
    if (memory.get(key) === found) memory.delete(key);
  });
  return found;
}

function one<Value>([value]: readonly Value[]): Value {
  if (value === undefined) throw new Error('Kafka answered nothing for what it was asked');
  return value;
}
