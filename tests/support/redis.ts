import { randomUUID } from 'node:crypto';

import { RedisConnection } from '../../adapters/redis/redis-connection.js';
import { stackEndpoints } from '../../app/stack/endpoints.js';

/** On the server of `npm run stack`, with keys of its own. */
export async function openRedis(prefix = `test-${randomUUID().slice(0, 8)}`, url: string = stackEndpoints.redisUrl): Promise<RedisConnection> {
  const connection = new RedisConnection({ url, prefix, onLost: () => undefined });
  await connection.connect();
  return connection;
}
