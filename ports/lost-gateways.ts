import type { DeviceAddress } from '../protocol/ids.js';
import type { LostGateway } from '../core/recovery-plan.js';

export type { LostGateway };

/**
 * Gateways whose lease lapsed before they had sent their sessions away, and the devices that were on them. Kept beside the session registry: a device is on the list of the gateway that holds its entry,
 * from its claim until it is released, claimed for another gateway, or settled here. Best effort: may come back empty, and may name a device that is gone since.
 * Throws DomainError `unavailable`.
 */
export interface LostGateways {
  /** Those that are not forgotten, with the time of their last renewal. */
  list(): Promise<readonly LostGateway[]>;
  count(gateway: LostGateway): Promise<number>;
  /** In the order of their keys, beginning after this one. */
  devices(gateway: LostGateway, page: { readonly after: DeviceAddress | undefined; readonly limit: number }): Promise<readonly DeviceAddress[]>;
  /** Nothing is left to do for them. */
  settle(gateway: LostGateway, devices: readonly DeviceAddress[]): Promise<void>;
  /** Nothing is left to do for the gateway, and its list goes. Idempotent. */
  forget(gateway: LostGateway): Promise<void>;
}
