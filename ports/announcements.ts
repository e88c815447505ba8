import type { ScarcePrekeys } from './prekeys.js';
import type { AccountId, ConversationId, DeviceAddress } from '../protocol/ids.js';

export type Announcement =
  | { readonly kind: 'roster-changed'; readonly conversationIds: readonly ConversationId[] }
  /** The account is not in the channel any more. */
  | { readonly kind: 'channel-left'; readonly conversationId: ConversationId; readonly accountId: AccountId }
  /** Who may see whether the account is online; with `other` only those two each other. */
  | { readonly kind: 'privacy-changed'; readonly accountId: AccountId; readonly other?: AccountId }
  | { readonly kind: 'device-revoked'; readonly device: DeviceAddress; readonly reason: 'deviceUnlinked' | 'accountErased' }
  /** The device is at another gateway now, under this connection number: sessions with a lower one are over. */
  | { readonly kind: 'device-moved'; readonly device: DeviceAddress; readonly sessionEpoch: number }
  /** Something in its inbox waits for the device that did not before. */
  | { readonly kind: 'inbox-changed'; readonly device: DeviceAddress }
  /** Whichever gateway holds the device tells it. */
  | ({ readonly kind: 'prekeys-scarce' } & ScarcePrekeys);

/**
 * Tells every process of a change at once, best effort: whoever missed one learns it when its cache entry expires (30 s) or is claimed again (20 s); a device counts its keys now and then.
 * Order and delivery are not promised; `publish` never throws.
 */
export interface Announcements {
  publish(announcement: Announcement): Promise<void>;
  /** Returns the call that ends the subscription. */
  subscribe(listener: (announcement: Announcement) => void): () => void;
}
