import { visibleReceipts } from '../../core/privacy-rules.js';
import { receiptItemOf } from '../../core/receipts.js';
import type { StoredMessage } from '../../ports/history.js';
import { DomainError } from '../../protocol/errors.js';
import { isChannelId } from '../../protocol/ids.js';
import type { HistoryPage } from '../../protocol/rest/conversation.js';
import { requireChannelMember } from '../require-channel-member.js';
import { requireMember } from '../require-member.js';
import { announceBetween } from './announce-between.js';
import { presentView } from './conversation-view.js';
import { requireRate } from '../require-rate.js';
import type { RestDependencies } from './rest-dependencies.js';
import type { RestHandlers } from './rest-handler.js';

type ConversationOperation = 'openConversation' | 'listConversations' | 'getConversation' | 'getMessages' | 'getReceipts';

export function conversationHandlers(dependencies: RestDependencies): RestHandlers<ConversationOperation> {
  const { conversations, groups, channels, groupEvents, history, watermarks, announcements, rateLimiter, clock } = dependencies;
  return {
    openConversation: async ({ caller, body }) => {
      if (body.kind === 'group') {
        await requireRate(rateLimiter, 'groupChange', caller.accountId);
        const created = await groups.create(body, caller, clock.nowMs());
        if (created) await groupEvents.changed(body.conversationId);
        return { status: created ? 201 : 200, body: await presentView(conversations, caller.accountId, body.conversationId) };
      }
      if (body.peer === caller.accountId) throw new DomainError('invalid_request', 'peer: another account', { detail: { field: 'peer' } });
      const { conversation, created, opened } = await conversations.ensureDirect(caller.accountId, body.peer, clock.nowMs());
      if (opened) await announceBetween(announcements, caller.accountId, body.peer);
      return { status: created ? 201 : 200, body: await presentView(conversations, caller.accountId, conversation.conversationId) };
    },
    listConversations: async ({ caller, query: { after, limit } }) => {
      const found = await conversations.list(caller.accountId, { after, limit: limit + 1 });
      const items = found.slice(0, limit).map(({ members, ...summary }) => ({ ...summary, members: [...members] }));
      const next = found.length > limit ? items.at(-1)?.conversationId : undefined;
      return { status: 200, body: next === undefined ? { items } : { items, next } };
    },
    getConversation: async ({ caller, params }) => ({ status: 200, body: await presentView(conversations, caller.accountId, params.conversationId) }),
    getMessages: async ({ caller, params, query }) => {
      const { conversationId } = params;
      if (isChannelId(conversationId)) await requireChannelMember(channels, caller.accountId, conversationId);
      else await requireMember(conversations, caller.accountId, conversationId);
      const page = await history.page({ conversationId, viewer: caller.accountId, ...query });
      return { status: 200, body: { items: page.map(messageOf) } };
    },
    getReceipts: async ({ caller, params }) => {
      if (isChannelId(params.conversationId)) {
        await requireChannelMember(channels, caller.accountId, params.conversationId);
        return { status: 200, body: { items: (await watermarks.of([params.conversationId], caller.accountId)).map(receiptItemOf) } };
      }
      const roster = await requireMember(conversations, caller.accountId, params.conversationId);
      const visible = visibleReceipts(roster, caller.accountId, await watermarks.of([params.conversationId]));
      return { status: 200, body: { items: visible.map(receiptItemOf) } };
    },
  };
}

function messageOf(message: StoredMessage): HistoryPage['items'][number] {
  const { conversationId, position, messageId, kind, sender, acceptedAtMs, body, media, ttlSeconds } = message;
  return {
    ...{ conversationId, position, messageId, sender, acceptedAtMs },
    kind: kind === 'event' ? 'event' : 'message',
    ...(body === undefined ? {} : { body }),
    ...(media === undefined ? {} : { media: [...media] }),
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
  };
}
