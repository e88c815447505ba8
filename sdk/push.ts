import type { PushSubscription } from '../protocol/rest/push.js';
import type { RestClient } from './rest/rest-client.js';

/** What `PushSubscription.toJSON()` gives in a browser. */
export type WebPushSubscription = Pick<PushSubscription, 'endpoint' | 'keys'>;

/** Lets the server wake this device while it is not connected (docs/push.md). Every call asks the server, and throws DomainError when it refuses, SdkError `offline` without it. */
export class Push {
  readonly #rest: RestClient;

  constructor(rest: RestClient) {
    this.#rest = rest;
  }

  /** For `pushManager.subscribe` of a browser. Throws DomainError `not_found` if the server sends no pushes. */
  async applicationServerKey(): Promise<string> {
    return (await this.#rest.call('getPushKey', {})).applicationServerKey;
  }

  /** Takes the place of the subscription before. Throws DomainError `invalid_request` that names the field, `not_found`. */
  async subscribe({ endpoint, keys }: WebPushSubscription): Promise<void> {
    await this.#rest.call('subscribePush', { body: { kind: 'web', endpoint, keys } });
  }

  async unsubscribe(): Promise<void> {
    await this.#rest.call('unsubscribePush', {});
  }
}
