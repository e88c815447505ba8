import type { PushSubscription, WakeUpPayload } from '../protocol/rest/push.js';

/**
 * `sent`: the push service took it. `unregistered`: it does not know the subscription any more. `later`: it is away or has too much to do; try again, not before `retryAfterMs` if it said so.
 * `refused`: it will not take it, whenever it is tried.
 */
export type PushOutcome =
  { readonly outcome: 'sent' | 'unregistered' | 'refused' } | { readonly outcome: 'later'; readonly retryAfterMs?: number | undefined };

/** Wakes devices through the push services of their makers. */
export interface PushSender {
  /** What a browser needs as `applicationServerKey` to subscribe, base64url. */
  readonly applicationServerKey: string;
  /** Throws DomainError `invalid_request`, `detail.field` naming what can never be sent to; asks nobody. */
  check(subscription: PushSubscription): void;
  /** Best effort, resolves within 5 s, never rejects. The service may keep it for a day while the device has no network, and show the newest of several only. */
  send(subscription: PushSubscription, payload: WakeUpPayload): Promise<PushOutcome>;
}
