import { LRUCache } from 'lru-cache';

import type { Roster } from '../../core/roster.js';
import type { Announcements } from '../../ports/announcements.js';
import type { Conversations } from '../../ports/conversations.js';
import type { Rosters } from '../../ports/rosters.js';
import type { ConversationId } from '../../protocol/ids.js';

export interface RosterCacheOptions {
  readonly maxConversations: number;
  readonly maxAgeMs: number;
}

export interface RosterCache extends Rosters {
  close(): void;
}

/** `Conversations.roster` behind an LRU cache. A failed read leaves what was known in place, so a directory that is away stops nobody who talked lately. */
export function createRosterCache(conversations: Conversations, announcements: Announcements, options: RosterCacheOptions): RosterCache {
  const cache = new LRUCache<ConversationId, Roster>({
    // Grows with what is in it: by `max` it would take all its memory at once.
    maxSize: options.maxConversations,
    sizeCalculation: () => 1,
    ttl: options.maxAgeMs,
    noDeleteOnFetchRejection: true,
    allowStaleOnFetchRejection: true,
    noDeleteOnStaleGet: true,
    fetchMethod: (conversationId) => conversations.roster(conversationId),
  });
  const unsubscribe = announcements.subscribe((announcement) => {
    if (announcement.kind !== 'roster-changed') return;
    for (const conversationId of announcement.conversationIds) cache.delete(conversationId);
  });
  return {
    // A read that an announcement ends has no answer, as if there were no such conversation.
    roster: async (conversationId) => cache.get(conversationId) ?? (await cache.fetch(conversationId)) ?? conversations.roster(conversationId),
    refreshed: (conversationId) => cache.fetch(conversationId, { forceRefresh: true }),
    close: unsubscribe,
  };
}
