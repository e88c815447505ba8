import type { SignalledFrame, Signals } from '../../ports/signals.js';
import type { RedisChannels } from './channels.js';
import type { RedisConnection } from './redis-connection.js';

/** A channel for each gateway. */
export function createRedisSignals(connection: RedisConnection, channels: RedisChannels): Signals {
  const channelOf = (gatewayId: string) => connection.key('signals', gatewayId);
  return {
    send: (gatewayId, signal) => channels.publish(channelOf(gatewayId), JSON.stringify(signal)),
    receive: (gatewayId, listener) =>
      channels.listen(channelOf(gatewayId), (text) => {
        listener(JSON.parse(text) as SignalledFrame);
      }),
  };
}
