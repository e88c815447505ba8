import type { DrainPause } from '../../ports/drain-pause.js';
import type { RedisConnection } from './redis-connection.js';

/** One key, which expires. */
export function createRedisDrainPause(connection: RedisConnection): DrainPause {
  const key = connection.key('drains-paused');
  return {
    leftMs: async () => {
      const [leftMs] = await connection.pipeline<[number]>((pipeline) => pipeline.pttl(key));
      return Math.max(0, leftMs);
    },
    set: async (lastsMs) => {
      await connection.pipeline((pipeline) => (lastsMs > 0 ? pipeline.set(key, '', 'PX', lastsMs) : pipeline.del(key)));
    },
  };
}
