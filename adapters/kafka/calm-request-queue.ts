// @ts-expect-error -- a module of kafkajs that it gives no types for
import UntypedRequestQueue from 'kafkajs/src/network/requestQueue/index.js';

interface RequestQueue {
  readonly pending: readonly unknown[];
  checkPendingRequests: (this: RequestQueue) => void;
  scheduleCheckPendingRequests: (this: RequestQueue) => void;
}

/** What every connection of kafkajs sends its requests through. */
export const requestQueue = (UntypedRequestQueue as { readonly prototype: RequestQueue }).prototype;

const { scheduleCheckPendingRequests } = requestQueue;

/** kafkajs 2.2.4 schedules the next look for waiting requests 1 ms later, for ever, whether or not one waits: a thousand wake-ups a second for each connection. */
requestQueue.scheduleCheckPendingRequests = function scheduleWhileOneWaits(): void {
  if (this.pending.length > 0) scheduleCheckPendingRequests.call(this);
};
