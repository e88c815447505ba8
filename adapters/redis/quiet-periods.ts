import type { QuietPeriods } from '../../ports/quiet-periods.js';
import { deviceKey } from '../../protocol/ids.js';
import type { RedisConnection } from './redis-connection.js';

/** A key for each device, which expires. */
export function createRedisQuietPeriods(connection: RedisConnection, periodMs: number): QuietPeriods {
  return {
    begin: async (device) => {
      const key = connection.key('push-quiet', deviceKey(device));
      const [begun, leftMs] = await connection.pipeline<['OK' | null, number]>((pipeline) => pipeline.set(key, '', 'PX', periodMs, 'NX').pttl(key));
      return begun === null ? Math.max(1, leftMs) : 0;
    },
  };
}
