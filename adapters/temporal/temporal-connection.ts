import { Client, Connection } from '@temporalio/client';

export interface TemporalAddress {
  /** `host:port` of the frontend. */
  readonly address: string;
  readonly namespace: string;
  /** Where workflows and their activities wait for a worker. */
  readonly taskQueue: string;
}

export interface TemporalConnection {
  readonly client: Client;
  readonly connection: Connection;
  readonly namespace: string;
  readonly taskQueue: string;
  close(): Promise<void>;
}

const reconnectBackoffMs = { first: 100, most: 1_000 };

/**
 * Connects at the first call, and again by itself whenever the cluster was away; so it can be opened before Temporal is up.
 * A call that fails is not repeated here: whoever starts durable work decides when to try again.
 */
export function openTemporalConnection({ address, namespace, taskQueue }: TemporalAddress): TemporalConnection {
  const connection = Connection.lazy({
    address,
    interceptors: [],
    channelArgs: {
      'grpc.initial_reconnect_backoff_ms': reconnectBackoffMs.first,
      'grpc.max_reconnect_backoff_ms': reconnectBackoffMs.most,
    },
  });
  return { client: new Client({ connection, namespace }), connection, namespace, taskQueue, close: () => connection.close() };
}
