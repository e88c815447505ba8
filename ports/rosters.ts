import type { Roster } from '../core/roster.js';
import type { ConversationId } from '../protocol/ids.js';

/**
 * Who is in a conversation, fast enough to ask for every message: `Conversations.roster` behind a cache of 30 s that announcements invalidate.
 * `undefined` if there is no such conversation. While the directory is away, what is cached is answered however old it is; else throws `unavailable`.
 */
export interface Rosters {
  roster(conversationId: ConversationId): Promise<Roster | undefined>;
  /** Past the cache: for whoever seems to know it better. While the directory is away, what is cached. */
  refreshed(conversationId: ConversationId): Promise<Roster | undefined>;
}
