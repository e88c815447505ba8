import { timingSafeEqual } from 'node:crypto';

import { secretHash } from '../../core/secret-hash.js';
import { DomainError } from '../../protocol/errors.js';
import { deviceKey } from '../../protocol/ids.js';
import { requireRate } from '../require-rate.js';
import type { RestDependencies } from './rest-dependencies.js';
import type { RestHandlers } from './rest-handler.js';

/** Compared with when there is no such device, so that both answers take the same time. */
const nobody = Buffer.alloc(32);

export function tokenHandlers({ devices, tokens, rateLimiter }: RestDependencies): RestHandlers<'issueToken'> {
  return {
    issueToken: async ({ body: { accountId, deviceId, secret } }) => {
      const device = { accountId, deviceId };
      await requireRate(rateLimiter, 'token', deviceKey(device));
      const stored = await devices.secretHash(device);
      const isSame = timingSafeEqual(secretHash(secret), stored ?? nobody);
      if (stored === undefined || !isSame) throw new DomainError('unauthenticated', 'secret: not the one of an active device');
      return { status: 200, body: await tokens.issue(device) };
    },
  };
}
