import { DomainError } from '../../protocol/errors.js';
import { requireRate } from '../require-rate.js';
import type { RestDependencies } from './rest-dependencies.js';
import type { RestHandlers } from './rest-handler.js';

const receiptType = 'heliograph-removal+jwt';

export function removalHandlers({
  removals,
  announcements,
  statements,
  rateLimiter,
  clock,
}: RestDependencies): RestHandlers<'eraseAccount' | 'getRemoval' | 'getKeys'> {
  return {
    eraseAccount: async ({ caller }) => {
      const { removalId, devices, conversationIds } = await removals.eraseAccount(caller.accountId, clock.nowMs());
      for (const device of devices) await announcements.publish({ kind: 'device-revoked', device, reason: 'accountErased' });
      await announcements.publish({ kind: 'roster-changed', conversationIds });
      return { status: 202, body: { removalId } };
    },
    getRemoval: async ({ params: { removalId } }) => {
      await requireRate(rateLimiter, 'token', `removal:${removalId}`);
      const removal = await removals.find(removalId);
      if (removal === undefined) throw new DomainError('not_found', 'there is no such removal');
      const { kind, begunAtMs, finished } = removal;
      const view = { removalId, kind, begunAtMs };
      if (finished === undefined) return { status: 200, body: view };
      const { atMs, removed } = finished;
      const receipt = await statements.sign(receiptType, { ...view, finishedAtMs: atMs, removed }, atMs);
      return { status: 200, body: { ...view, finished: { atMs, removed, receipt } } };
    },
    getKeys: async () => ({ status: 200, body: { keys: await statements.keys() } }),
  };
}
