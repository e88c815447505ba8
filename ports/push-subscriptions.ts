import type { DeviceAddress } from '../protocol/ids.js';
import type { PushSubscription } from '../protocol/rest/push.js';

/**
 * Where devices can be woken, one subscription a device; it goes when the device is revoked. Strongly consistent.
 * Throws DomainError `unavailable` when the store is away.
 */
export interface PushSubscriptions {
  /** Takes the place of the one before. Throws DomainError `not_found` if the device is not active. */
  put(device: DeviceAddress, subscription: PushSubscription, nowMs: number): Promise<void>;
  /** In the order of the devices; `undefined` where there is none. */
  find(devices: readonly DeviceAddress[]): Promise<readonly (PushSubscription | undefined)[]>;
  remove(device: DeviceAddress): Promise<void>;
  /** Removes it only if it is still this one. */
  removeUnregistered(device: DeviceAddress, subscription: PushSubscription): Promise<void>;
}
