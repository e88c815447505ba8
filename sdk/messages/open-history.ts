import { decodeEvent } from '../../protocol/conversation-event.js';
import type { ConversationId, Position } from '../../protocol/ids.js';
import type { HistoryPage } from '../../protocol/rest/conversation.js';
import { openBody } from '../encryption/body-seal.js';
import { decodeContent } from '../encryption/content.js';
import type { RestClient } from '../rest/rest-client.js';
import { SdkError } from '../sdk-error.js';
import type { DeviceStore } from '../store/device-store.js';
import type { Message, ShownContent } from './message.js';
import { contentKeyTable } from './message-tables.js';

export interface HistoryQuery {
  /** Exclusive. */
  readonly before?: Position | undefined;
  /** Exclusive. */
  readonly after?: Position | undefined;
  /** At most 100. */
  readonly limit?: number | undefined;
}

export interface OpenHistoryDependencies {
  readonly store: DeviceStore;
  readonly rest: RestClient;
}

/** A page of the server's history; what this device has no key for is shown as undecryptable. */
export async function openHistory(
  { store, rest }: OpenHistoryDependencies,
  conversationId: ConversationId,
  query: HistoryQuery,
): Promise<readonly Message[]> {
  const { before, after, limit = 50 } = query;
  const { items } = await rest.call('getMessages', { params: { conversationId }, query: { before, after, limit } });
  return items.map((item) => {
    const { position, messageId, sender, acceptedAtMs } = item;
    return { conversationId, position, messageId, sender, acceptedAtMs, content: contentOf(store, item) };
  });
}

function contentOf(store: DeviceStore, { conversationId, messageId, sender, kind, body }: HistoryPage['items'][number]): ShownContent {
  if (kind === 'event') {
    const event = decodeEvent(body);
    return event === undefined ? { type: 'unsupported' } : { type: 'event', event };
  }
  const key = store.get(contentKeyTable, messageId);
  if (key === undefined || body === undefined) return { type: 'undecryptable' };
  try {
    return decodeContent(openBody({ conversationId, messageId, sender }, key, body));
  } catch (error) {
    if (error instanceof SdkError) return { type: 'undecryptable' };
    throw error;
  }
}
