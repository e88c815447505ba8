import { accountId } from '../ids.js';
import { conversationView, invite, joinRequest, newInvite, newMembers, newRole, newTitle } from './conversation.js';
import { ofConversation } from './path-params.js';
import type { RestCall } from './rest-call.js';

const ofMember = ofConversation.extend({ accountId });

export const groupCalls = {
  changeTitle: {
    method: 'put',
    path: '/v1/conversations/{conversationId}/title',
    tag: 'groups',
    summary: 'Changes the title of a group.',
    guarded: true,
    params: ofConversation,
    body: newTitle,
    answers: { 200: conversationView },
    errors: ['not_a_member', 'forbidden', 'not_found', 'changed', 'rate_limited'],
  },
  addMembers: {
    method: 'post',
    path: '/v1/conversations/{conversationId}/members',
    tag: 'groups',
    summary: 'Adds members to a group; who is one already stays as it is.',
    params: ofConversation,
    body: newMembers,
    answers: { 200: conversationView },
    errors: ['not_a_member', 'forbidden', 'not_found', 'group_full', 'rate_limited'],
  },
  removeMember: {
    method: 'delete',
    path: '/v1/conversations/{conversationId}/members/{accountId}',
    tag: 'groups',
    summary: 'Removes somebody else from a group.',
    params: ofMember,
    answers: { 200: conversationView },
    errors: ['not_a_member', 'forbidden', 'not_found', 'conflict', 'rate_limited'],
  },
  changeRole: {
    method: 'put',
    path: '/v1/conversations/{conversationId}/members/{accountId}',
    tag: 'groups',
    summary: "Changes a member's role. The owner gives the group away by making somebody else its owner.",
    params: ofMember,
    body: newRole,
    answers: { 200: conversationView },
    errors: ['not_a_member', 'forbidden', 'not_found', 'conflict', 'rate_limited'],
  },
  leaveGroup: {
    method: 'post',
    path: '/v1/conversations/{conversationId}/leave',
    tag: 'groups',
    summary: 'Leaves a group. If the owner goes, the admin who is there longest owns it, or else the member.',
    params: ofConversation,
    answers: { 204: null },
    errors: ['not_a_member', 'not_found', 'conflict', 'rate_limited'],
  },
  makeInvite: {
    method: 'post',
    path: '/v1/conversations/{conversationId}/invite',
    tag: 'groups',
    summary: 'Makes the invite of a group; the one before ends.',
    params: ofConversation,
    body: newInvite,
    answers: { 201: invite },
    errors: ['not_a_member', 'not_found', 'forbidden'],
  },
  endInvite: {
    method: 'delete',
    path: '/v1/conversations/{conversationId}/invite',
    tag: 'groups',
    summary: 'Ends the invite of a group.',
    params: ofConversation,
    answers: { 204: null },
    errors: ['not_a_member', 'not_found', 'forbidden'],
  },
  joinGroup: {
    method: 'post',
    path: '/v1/invites',
    tag: 'groups',
    summary: 'Makes oneself a member of the group that an invite is for.',
    body: joinRequest,
    answers: { 200: conversationView },
    errors: ['not_found', 'gone', 'group_full', 'rate_limited'],
  },
} as const satisfies Record<string, RestCall>;
