import { DomainError } from '../../protocol/errors.js';
import { requireRate } from '../require-rate.js';
import { announceBetween } from './announce-between.js';
import type { RestDependencies } from './rest-dependencies.js';
import type { RestHandlers } from './rest-handler.js';

type PrivacyOperation = 'setPrivacy' | 'listBlocks' | 'blockAccount' | 'unblockAccount';

export function privacyHandlers({ privacy, announcements, rateLimiter, clock }: RestDependencies): RestHandlers<PrivacyOperation> {
  return {
    setPrivacy: async ({ caller: { accountId }, body }) => {
      await requireRate(rateLimiter, 'privacyChange', accountId);
      const conversationIds = await privacy.change(accountId, body);
      if (conversationIds.length > 0) await announcements.publish({ kind: 'roster-changed', conversationIds });
      await announcements.publish({ kind: 'privacy-changed', accountId });
      return { status: 200, body };
    },
    listBlocks: async ({ caller }) => ({ status: 200, body: { items: [...(await privacy.blocks(caller.accountId))] } }),
    blockAccount: async ({ caller: { accountId }, params }) => {
      if (params.accountId === accountId) {
        throw new DomainError('invalid_request', 'accountId: another account', { detail: { field: 'accountId' } });
      }
      await requireRate(rateLimiter, 'privacyChange', accountId);
      if (await privacy.block(accountId, params.accountId, clock.nowMs())) await announceBetween(announcements, accountId, params.accountId);
      return { status: 204, body: undefined };
    },
    unblockAccount: async ({ caller: { accountId }, params }) => {
      await requireRate(rateLimiter, 'privacyChange', accountId);
      if (await privacy.unblock(accountId, params.accountId)) await announceBetween(announcements, accountId, params.accountId);
      return { status: 204, body: undefined };
    },
  };
}
