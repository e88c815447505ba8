import { z } from 'zod';

import { blobId } from '../ids.js';
import { mediaDownload, mediaUpload, newMedia } from './media.js';
import type { RestCall } from './rest-call.js';

const ofBlob = z.strictObject({ blobId });

export const mediaCalls = {
  createMedia: {
    method: 'post',
    path: '/v1/media',
    tag: 'media',
    summary:
      'A URL to put the encrypted bytes of a file at. It takes exactly those of this size and digest; what no message names in time is deleted.',
    body: newMedia,
    answers: { 201: mediaUpload },
    errors: ['rate_limited'],
  },
  getMedia: {
    method: 'get',
    path: '/v1/media/{blobId}',
    tag: 'media',
    summary:
      'A URL to get the encrypted bytes of a file at, whole or in ranges, for accounts that a message with it was for. `gone` says when it ended and why (`facts`): `fetched`, `expired`, `revoked`, `orphan`.',
    params: ofBlob,
    answers: { 200: mediaDownload },
    errors: ['not_found', 'gone'],
  },
  revokeMedia: {
    method: 'delete',
    path: '/v1/media/{blobId}',
    tag: 'media',
    summary: 'Takes back a file of the own account: at once nobody is given it any more.',
    params: ofBlob,
    answers: { 204: null },
    errors: ['not_found'],
  },
} as const satisfies Record<string, RestCall>;
