import { conversationPage, conversationQuery, conversationView, historyPage, historyQuery, newConversation, receiptsView } from './conversation.js';
import { ofConversation } from './path-params.js';
import type { RestCall } from './rest-call.js';

export const conversationCalls = {
  openConversation: {
    method: 'post',
    path: '/v1/conversations',
    tag: 'conversations',
    summary: 'The direct conversation with another account, or a group; made if it is missing (201).',
    body: newConversation,
    answers: { 201: conversationView, 200: conversationView },
    errors: ['not_found', 'group_full', 'conflict', 'rate_limited'],
  },
  listConversations: {
    method: 'get',
    path: '/v1/conversations',
    tag: 'conversations',
    summary: "One's own conversations, by pages.",
    tagged: true,
    query: conversationQuery,
    answers: { 200: conversationPage },
    errors: [],
  },
  getConversation: {
    method: 'get',
    path: '/v1/conversations/{conversationId}',
    tag: 'conversations',
    summary: 'A conversation with its present roster.',
    tagged: true,
    params: ofConversation,
    answers: { 200: conversationView },
    errors: ['not_a_member'],
  },
  getMessages: {
    method: 'get',
    path: '/v1/conversations/{conversationId}/messages',
    tag: 'conversations',
    summary: 'A page of history: newest first, unless only `after` is given. What was accepted a moment ago may come to it a moment later.',
    tagged: true,
    params: ofConversation,
    query: historyQuery,
    answers: { 200: historyPage },
    errors: ['not_a_member'],
  },
  getReceipts: {
    method: 'get',
    path: '/v1/conversations/{conversationId}/receipts',
    tag: 'conversations',
    summary: 'How far each device got, and how far each account read.',
    tagged: true,
    params: ofConversation,
    answers: { 200: receiptsView },
    errors: ['not_a_member'],
  },
} as const satisfies Record<string, RestCall>;
