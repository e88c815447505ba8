import { blockViews, privacySettings } from './privacy.js';
import { ofAccount } from './path-params.js';
import type { RestCall } from './rest-call.js';

export const privacyCalls = {
  setPrivacy: {
    method: 'put',
    path: '/v1/accounts/self/privacy',
    tag: 'privacy',
    summary: 'Who sees when one was last there, and whether others learn what one read.',
    body: privacySettings,
    answers: { 200: privacySettings },
    errors: ['rate_limited'],
  },
  listBlocks: {
    method: 'get',
    path: '/v1/accounts/self/blocks',
    tag: 'privacy',
    summary: 'The accounts that one blocked, latest first.',
    tagged: true,
    answers: { 200: blockViews },
    errors: [],
  },
  blockAccount: {
    method: 'put',
    path: '/v1/accounts/self/blocks/{accountId}',
    tag: 'privacy',
    summary: 'Blocks an account, which does not learn of it: what it sends from now on in the direct conversation stays with it.',
    params: ofAccount,
    answers: { 204: null },
    errors: ['not_found', 'too_large', 'rate_limited'],
  },
  unblockAccount: {
    method: 'delete',
    path: '/v1/accounts/self/blocks/{accountId}',
    tag: 'privacy',
    summary: 'Ends a block. What was sent meanwhile stays hidden.',
    params: ofAccount,
    answers: { 204: null },
    errors: ['rate_limited'],
  },
} as const satisfies Record<string, RestCall>;
