import { z } from 'zod';

import { accountView, handle, issuedToken, newAccount, ownAccountView, registered, tokenRequest } from './account.js';
import { ofAccount } from './path-params.js';
import type { RestCall } from './rest-call.js';

export const accountCalls = {
  registerAccount: {
    method: 'post',
    path: '/v1/accounts',
    tag: 'accounts',
    summary:
      'Registers an account with its first device. Repeating it with the same id, handle and secret gives the first answer again, with status 200.',
    open: true,
    body: newAccount,
    answers: { 201: registered, 200: registered },
    errors: ['conflict', 'forbidden', 'rate_limited'],
  },
  findAccount: {
    method: 'get',
    path: '/v1/accounts',
    tag: 'accounts',
    summary: 'Finds an account by its handle.',
    tagged: true,
    query: z.strictObject({ handle }),
    answers: { 200: accountView },
    errors: ['not_found'],
  },
  getOwnAccount: {
    method: 'get',
    path: '/v1/accounts/self',
    tag: 'accounts',
    summary: "One's own account, with its privacy.",
    tagged: true,
    answers: { 200: ownAccountView },
    errors: [],
  },
  getAccount: {
    method: 'get',
    path: '/v1/accounts/{accountId}',
    tag: 'accounts',
    summary: 'An account by its id.',
    tagged: true,
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
} as const satisfies Record<string, RestCall>;
