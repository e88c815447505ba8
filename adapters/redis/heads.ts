import type { Heads } from '../../ports/heads.js';
import type { ConversationId } from '../../protocol/ids.js';
import type { ChannelHead } from '../../protocol/server-frames.js';
import type { RedisChannels } from './channels.js';
import type { RedisConnection } from './redis-connection.js';

/** A channel of Redis for each of ours, which a process listens to while somebody there watches it. */
export function createRedisHeads(connection: RedisConnection, channels: RedisChannels): Heads {
  const channelOf = (conversationId: ConversationId) => connection.key('heads', conversationId);
  return {
    tell: async (heads) => {
      await Promise.all(heads.map((head) => channels.publish(channelOf(head.conversationId), JSON.stringify(head))));
    },
    listen: (conversationId, listener) =>
      channels.listening(channelOf(conversationId), (text) => {
        listener(JSON.parse(text) as ChannelHead);
      }),
    onResumed: (listener) => {
      channels.onResumed(listener);
    },
  };
}
