import type { LostGateway, LostGateways } from '../../ports/lost-gateways.js';
import { deviceKey, parseDeviceKey } from '../../protocol/ids.js';
import type { RedisConnection } from './redis-connection.js';
import { endedLeasesMs, registryKeys, usualLives } from './session-registry.js';

/** What the scripts of the session registry keep: leases that nobody ended, and a sorted list of the devices of each. */
export function createRedisLostGateways(connection: RedisConnection, { leaseMs }: { readonly leaseMs: number } = usualLives): LostGateways {
  const { leases, lost, list } = registryKeys(connection);
  const listOf = ({ gatewayId, leaseEpoch }: LostGateway) => list(gatewayId, leaseEpoch);
  return {
    list: async () => {
      const answer = (await connection.script('lost-gateways', [leases, lost], [leaseMs, endedLeasesMs])) as readonly string[];
      const found: LostGateway[] = [];
      for (let at = 0; at + 1 < answer.length; at += 2) {
        const [gatewayId = '', leaseEpoch = ''] = (answer[at] ?? '').split('|');
        found.push({ gatewayId, leaseEpoch: Number(leaseEpoch), lastSeenAtMs: Number(answer[at + 1]) });
      }
      return found;
    },
    count: (gateway) => connection.run((redis) => redis.zcard(listOf(gateway))),
    devices: async (gateway, { after, limit }) => {
      const from = after === undefined ? '-' : `(${deviceKey(after)}`;
      return (await connection.run((redis) => redis.zrangebylex(listOf(gateway), from, '+', 'LIMIT', 0, limit))).map(parseDeviceKey);
    },
    settle: async (gateway, devices) => {
      if (devices.length > 0) await connection.run((redis) => redis.zrem(listOf(gateway), devices.map(deviceKey)));
    },
    forget: async ({ gatewayId, leaseEpoch }) => {
      await connection.script('close-lease', [leases, lost, list(gatewayId, leaseEpoch)], [gatewayId, leaseEpoch]);
    },
  };
}
