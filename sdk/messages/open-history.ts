import { decodeEvent } from '../../protocol/conversation-event.js';
import { isChannelId, type ConversationId, type DeviceAddress, type Position } from '../../protocol/ids.js';
import type { HistoryPage } from '../../protocol/rest/conversation.js';
import { openItem } from '../channels/receive-posts.js';
import { signersOf, type Signers } from '../channels/signers.js';
import { openBody } from '../encryption/body-seal.js';
import { decodeContent, isEffect, type Content, type Said } from '../encryption/content.js';
import type { RestClient } from '../rest/rest-client.js';
import { SdkError } from '../sdk-error.js';
import type { DeviceStore } from '../store/device-store.js';
import { placeOf } from './keep-content.js';
import type { MessageArchive } from './message-archive.js';
import type { Message, ShownContent } from './message.js';
import { contentKeyTable, processedTable } from './message-tables.js';

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
  readonly own: DeviceAddress;
  readonly archive: MessageArchive;
  readonly rest: RestClient;
}

/** A page of the server's history, empty only at its end; what this device has no key for is shown as undecryptable. What was done to messages is shown with them, and takes no place of its own. */
export async function openHistory(
  { store, own, archive, rest }: OpenHistoryDependencies,
  conversationId: ConversationId,
  query: HistoryQuery,
): Promise<readonly Message[]> {
  const { limit = 50 } = query;
  let { before, after } = query;
  const isForward = after !== undefined && before === undefined;
  for (;;) {
    const { items } = await rest.call('getMessages', { params: { conversationId }, query: { before, after, limit } });
    const authors = isChannelId(conversationId) ? items.map(({ sender }) => sender.accountId) : [];
    const signers = await signersOf({ store, own, rest }, authors);
    const messages = items.flatMap((item): Message[] => {
      const { content, ttlSeconds } = saidIn(store, item, signers) ?? {};
      if (content === undefined || isEffect(content)) return [];
      const { position, messageId, sender, acceptedAtMs } = item;
      return [archive.withEffects({ conversationId, position, messageId, sender, acceptedAtMs, ttlSeconds, content })];
    });
    const last = items.at(-1)?.position;
    if (last === undefined || messages.length > 0) return messages;
    if (isForward) after = last;
    else before = last;
  }
}

/** `undefined`: it came here, and there is nothing of it to show. */
function saidIn(store: DeviceStore, item: HistoryPage['items'][number], signers: Signers): Said<Content | ShownContent> | undefined {
  const { conversationId, messageId, sender, kind, body, ttlSeconds } = item;
  if (kind === 'event') {
    const event = decodeEvent(body);
    return { content: event === undefined ? { type: 'unsupported' } : { type: 'event', event } };
  }
  const key = store.get(contentKeyTable, messageId);
  if (key === undefined && store.get(processedTable, messageId) !== undefined) return placeOf(store, conversationId, messageId)?.row;
  try {
    if (isChannelId(conversationId)) return openItem(store, item, signers).said;
    if (key === undefined || body === undefined) return { content: { type: 'undecryptable' }, ttlSeconds };
    return decodeContent(openBody({ conversationId, messageId, sender }, key, body));
  } catch (error) {
    if (error instanceof SdkError) return { content: { type: 'undecryptable' }, ttlSeconds };
    throw error;
  }
}
