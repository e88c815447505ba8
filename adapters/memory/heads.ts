import type { Heads } from '../../ports/heads.js';
import type { ConversationId } from '../../protocol/ids.js';
import type { ChannelHead } from '../../protocol/server-frames.js';

/** Of one process, which misses nothing; listeners run after `tell` returned. */
export function createMemoryHeads(): Heads {
  const listeners = new Map<ConversationId, (head: ChannelHead) => void>();
  return {
    tell: (heads) => {
      for (const head of heads) queueMicrotask(() => listeners.get(head.conversationId)?.(head));
      return Promise.resolve();
    },
    listen: (conversationId, listener) => {
      listeners.set(conversationId, listener);
      return Promise.resolve(() => {
        listeners.delete(conversationId);
      });
    },
    onResumed: () => undefined,
  };
}
