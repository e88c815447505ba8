import { newPushSubscription, pushKey } from './push.js';
import type { RestCall } from './rest-call.js';

/** The part of the contract's table that is about waking devices. */
export const pushCalls = {
  getPushKey: {
    method: 'get',
    path: '/v1/push/key',
    tag: 'push',
    summary: 'The key that a browser subscribes with; `not_found` where the server sends no pushes.',
    tagged: true,
    answers: { 200: pushKey },
    errors: ['not_found'],
  },
  subscribePush: {
    method: 'put',
    path: '/v1/devices/self/push',
    tag: 'push',
    summary: 'Where this device is woken when something waits for it; takes the place of what was there before.',
    body: newPushSubscription,
    answers: { 204: null },
    errors: ['not_found'],
  },
  unsubscribePush: {
    method: 'delete',
    path: '/v1/devices/self/push',
    tag: 'push',
    summary: 'This device is not woken any more.',
    answers: { 204: null },
    errors: [],
  },
} as const satisfies Record<string, RestCall>;
