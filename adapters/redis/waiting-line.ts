import type { WaitingLine } from '../../ports/waiting-line.js';
import type { RedisConnection } from './redis-connection.js';

const usualOfferMs = 10_000;

/** The line of all gateways, which goes by the time of Redis. */
export function createRedisWaitingLine(connection: RedisConnection, offerMs = usualOfferMs): WaitingLine {
  const [offers, line] = [connection.key('line-offers'), connection.key('line')];
  return {
    offer: async (gatewayId, perSecond) => {
      await connection.script('offer-turns', [offers], [gatewayId, perSecond, offerMs]);
    },
    lengthMs: async () => Math.max(0, await connection.run((redis) => redis.pttl(line))),
    take: async (count, leastPerSecond) => {
      const [firstInMs, everyMs] = (await connection.script('take-turns', [offers, line], [count, leastPerSecond])) as [string, string];
      return { firstInMs: Number(firstInMs), everyMs: Number(everyMs) };
    },
  };
}
