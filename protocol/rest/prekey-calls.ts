import { z } from 'zod';

import { prekeyBundle, prekeyCheck, prekeyCount, prekeyUpload } from './prekey.js';
import { deviceNumber, ofAccount } from './path-params.js';
import type { RestCall } from './rest-call.js';

export const prekeyCalls = {
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
} as const satisfies Record<string, RestCall>;
