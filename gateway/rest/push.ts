import type { PushSender } from '../../ports/push-sender.js';
import { DomainError } from '../../protocol/errors.js';
import type { RestDependencies } from './rest-dependencies.js';
import type { RestHandlers } from './rest-handler.js';

type PushOperation = 'getPushKey' | 'subscribePush' | 'unsubscribePush';

export function pushHandlers({ pushSender, pushSubscriptions, clock }: RestDependencies): RestHandlers<PushOperation> {
  const sender = (): PushSender => {
    if (pushSender === undefined) throw new DomainError('not_found', 'this server sends no pushes');
    return pushSender;
  };
  return {
    getPushKey: () => Promise.resolve({ status: 200, body: { applicationServerKey: sender().applicationServerKey } }),
    subscribePush: async ({ caller, body: { kind, endpoint, keys } }) => {
      const subscription = { kind, endpoint, keys };
      sender().check(subscription);
      await pushSubscriptions.put(caller, subscription, clock.nowMs());
      return { status: 204, body: undefined };
    },
    unsubscribePush: async ({ caller }) => {
      await pushSubscriptions.remove(caller);
      return { status: 204, body: undefined };
    },
  };
}
