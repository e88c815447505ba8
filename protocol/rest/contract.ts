import { z } from 'zod';

import type { ErrorCode } from '../errors.js';
import { accountId, conversationId, deviceId } from '../ids.js';
import { accountView, handle, issuedToken, newAccount, registered, tokenRequest } from './account.js';
import {
  conversationPage,
  conversationQuery,
  conversationView,
  historyPage,
  historyQuery,
  invite,
  joinRequest,
  newConversation,
  newInvite,
  newMembers,
  newRole,
  newTitle,
  receiptsView,
} from './conversation.js';
import { deviceRemoval, deviceViews } from './device.js';
import { numberText } from './number-text.js';
import { prekeyBundle, prekeyCheck, prekeyCount, prekeyUpload } from './prekey.js';

export interface RestCall {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** Parameters stand in braces. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  /** Needs no token. */
  readonly open?: true;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** By status; `null` has no body. */
  readonly answers: Readonly<Record<number, z.ZodType | null>>;
  /** Beyond those that every call can give. */
  readonly errors: readonly ErrorCode[];
}

const ofAccount = z.strictObject({ accountId });
const ofConversation = z.strictObject({ conversationId });
const ofMember = z.strictObject({ conversationId, accountId });
const deviceNumber = numberText(deviceId);

/** Every REST call, by its operation id: routes, documentation and the SDK are made from this one table. */
export const restCalls = {
  registerAccount: {
    method: 'post',
    path: '/v1/accounts',
    tag: 'accounts',
    summary:
      'Registers an account with its first device. Repeating it with the same id, handle and secret gives the first answer again, with status 200.',
    open: true,
    body: newAccount,
    answers: { 201: registered, 200: registered },
    errors: ['conflict', 'rate_limited'],
  },
  findAccount: {
    method: 'get',
    path: '/v1/accounts',
    tag: 'accounts',
    summary: 'Finds an account by its handle.',
    query: z.strictObject({ handle }),
    answers: { 200: accountView },
    errors: ['not_found'],
  },
  getAccount: {
    method: 'get',
    path: '/v1/accounts/{accountId}',
    tag: 'accounts',
    summary: 'An account by its id.',
    params: ofAccount,
    answers: { 200: accountView },
    errors: ['not_found'],
  },
  issueToken: {
    method: 'post',
    path: '/v1/tokens',
    tag: 'tokens',
    summary:
      'A token for a device that proves itself with its secret. Any number of requests and connections of the device may use it until it ends.',
    open: true,
    body: tokenRequest,
    answers: { 200: issuedToken },
    errors: ['unauthenticated', 'rate_limited'],
  },
  listDevices: {
    method: 'get',
    path: '/v1/devices',
    tag: 'devices',
    summary: "The active devices of one's own account.",
    answers: { 200: deviceViews },
    errors: [],
  },
  removeDevice: {
    method: 'delete',
    path: '/v1/devices/{deviceId}',
    tag: 'devices',
    summary:
      "Removes a device of one's own account at once: its sessions end, its inbox and prekeys go. Brings the signed list of the devices that stay.",
    params: z.strictObject({ deviceId: deviceNumber }),
    body: deviceRemoval,
    answers: { 204: null },
    errors: ['not_found', 'conflict'],
  },
  uploadPrekeys: {
    method: 'put',
    path: '/v1/prekeys',
    tag: 'prekeys',
    summary: 'Adds one-time prekeys, replaces signed and last-resort ones; answers what is there then.',
    body: prekeyUpload,
    answers: { 200: prekeyCount },
    errors: ['too_large'],
  },
  countPrekeys: {
    method: 'get',
    path: '/v1/prekeys/count',
    tag: 'prekeys',
    summary: 'How many one-time prekeys are left for this device.',
    answers: { 200: prekeyCount },
    errors: [],
  },
  checkPrekeys: {
    method: 'post',
    path: '/v1/prekeys/check',
    tag: 'prekeys',
    summary: 'Whether the server holds the identity key, signed and last-resort prekeys that the device has: `conflict` if not.',
    body: prekeyCheck,
    answers: { 204: null },
    errors: ['conflict'],
  },
  claimPrekeys: {
    method: 'get',
    path: '/v1/accounts/{accountId}/prekeys',
    tag: 'prekeys',
    summary: 'Keys to write to each device of an account for the first time. A one-time key is handed out once.',
    params: ofAccount,
    query: z.strictObject({ device: deviceNumber.optional() }),
    answers: { 200: prekeyBundle },
    errors: ['not_found', 'rate_limited'],
  },
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
    query: conversationQuery,
    answers: { 200: conversationPage },
    errors: [],
  },
  getConversation: {
    method: 'get',
    path: '/v1/conversations/{conversationId}',
    tag: 'conversations',
    summary: 'A conversation with its present roster.',
    params: ofConversation,
    answers: { 200: conversationView },
    errors: ['not_a_member'],
  },
  changeTitle: {
    method: 'put',
    path: '/v1/conversations/{conversationId}/title',
    tag: 'groups',
    summary: 'Changes the title of a group.',
    params: ofConversation,
    body: newTitle,
    answers: { 200: conversationView },
    errors: ['not_a_member', 'forbidden', 'rate_limited'],
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
    errors: ['not_a_member', 'conflict', 'rate_limited'],
  },
  makeInvite: {
    method: 'post',
    path: '/v1/conversations/{conversationId}/invite',
    tag: 'groups',
    summary: 'Makes the invite of a group; the one before ends.',
    params: ofConversation,
    body: newInvite,
    answers: { 201: invite },
    errors: ['not_a_member', 'forbidden'],
  },
  endInvite: {
    method: 'delete',
    path: '/v1/conversations/{conversationId}/invite',
    tag: 'groups',
    summary: 'Ends the invite of a group.',
    params: ofConversation,
    answers: { 204: null },
    errors: ['not_a_member', 'forbidden'],
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
  getMessages: {
    method: 'get',
    path: '/v1/conversations/{conversationId}/messages',
    tag: 'conversations',
    summary: 'A page of history: newest first, unless only `after` is given.',
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
    params: ofConversation,
    answers: { 200: receiptsView },
    errors: ['not_a_member'],
  },
} as const satisfies Record<string, RestCall>;

export type RestOperation = keyof typeof restCalls;

type Part<Call, Name extends string> = Call extends { readonly [Key in Name]: infer Schema extends z.ZodType } ? z.output<Schema> : undefined;
type Bodies<Answers> = { [Status in keyof Answers]: Answers[Status] extends z.ZodType ? z.output<Answers[Status]> : undefined }[keyof Answers];

/** What a call carries, checked. */
export interface RestInput<Operation extends RestOperation> {
  readonly params: Part<(typeof restCalls)[Operation], 'params'>;
  readonly query: Part<(typeof restCalls)[Operation], 'query'>;
  readonly body: Part<(typeof restCalls)[Operation], 'body'>;
}

/** What a call answers with. */
export interface RestOutput<Operation extends RestOperation> {
  readonly status: keyof (typeof restCalls)[Operation]['answers'];
  readonly body: Bodies<(typeof restCalls)[Operation]['answers']>;
}
