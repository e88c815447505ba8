import type { GatewayAddresses } from '../../ports/gateway-addresses.js';
import type { RedisConnection } from './redis-connection.js';

const holdsMs = 15_000;

/** A key for each gateway, which expires, and a set of those that there may be. */
export function createRedisGatewayAddresses(connection: RedisConnection): GatewayAddresses {
  const known = connection.key('gateways');
  const keyOf = (gatewayId: string) => connection.key('gateway-address', gatewayId);
  return {
    announce: async ({ gatewayId, url }) => {
      await connection.pipeline((pipeline) => pipeline.set(keyOf(gatewayId), url, 'PX', holdsMs).sadd(known, gatewayId));
    },
    withdraw: async (gatewayId) => {
      await connection.pipeline((pipeline) => pipeline.del(keyOf(gatewayId)).srem(known, gatewayId));
    },
    list: async () => {
      const ids = await connection.run((redis) => redis.smembers(known));
      if (ids.length === 0) return [];
      const urls = await connection.run((redis) => redis.mget(ids.map(keyOf)));
      const gone = ids.filter((_, index) => urls[index] === null);
      if (gone.length > 0) await connection.run((redis) => redis.srem(known, gone));
      return ids.flatMap((gatewayId, index) => {
        const url = urls[index];
        return typeof url === 'string' ? [{ gatewayId, url }] : [];
      });
    },
  };
}
