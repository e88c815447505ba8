import type { Presence, PresenceChange } from '../../ports/presence.js';
import type { AccountId } from '../../protocol/ids.js';
import type { RedisChannels } from './channels.js';
import type { RedisConnection } from './redis-connection.js';

/** A channel for each account, which a process listens to while somebody there watches it. */
export function createRedisPresence(connection: RedisConnection, channels: RedisChannels): Presence {
  const channelOf = (accountId: AccountId) => connection.key('presence', accountId);
  return {
    tell: (change) => channels.publish(channelOf(change.accountId), JSON.stringify(change)),
    listen: (accountId, listener) =>
      channels.listen(channelOf(accountId), (text) => {
        listener(JSON.parse(text) as PresenceChange);
      }),
    onResumed: (listener) => {
      channels.onResumed(listener);
    },
  };
}
