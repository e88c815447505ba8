import { z } from 'zod';

import { removalId } from '../ids.js';
import { begunRemoval, publicKeys, removalView } from './removal.js';
import type { RestCall } from './rest-call.js';

export const removalCalls = {
  eraseAccount: {
    method: 'delete',
    path: '/v1/accounts/self',
    tag: 'accounts',
    summary: "Erases one's own account: at once nobody finds it, and its devices are out. What it left elsewhere is removed afterwards.",
    answers: { 202: begunRemoval },
    errors: [],
  },
  getRemoval: {
    method: 'get',
    path: '/v1/removals/{removalId}',
    tag: 'accounts',
    summary: 'What became of the removal of an unlinked device or an erased account, with a signed receipt once nothing is left.',
    open: true,
    params: z.strictObject({ removalId }),
    answers: { 200: removalView },
    errors: ['not_found', 'rate_limited'],
  },
  getKeys: {
    method: 'get',
    path: '/v1/keys',
    tag: 'accounts',
    summary: 'The keys that verify what this server signs, as a JSON Web Key Set.',
    open: true,
    answers: { 200: publicKeys },
    errors: [],
  },
} as const satisfies Record<string, RestCall>;
