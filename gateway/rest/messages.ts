import { requireRate } from '../require-rate.js';
import type { RestDependencies } from './rest-dependencies.js';
import type { RestHandlers } from './rest-handler.js';

export function messageHandlers({ explainer, rateLimiter }: RestDependencies): RestHandlers<'explainMessage'> {
  return {
    explainMessage: async ({ caller, params }) => {
      await requireRate(rateLimiter, 'explain', caller.accountId);
      return { status: 200, body: await explainer.outcome(params.messageId, caller.accountId) };
    },
  };
}
