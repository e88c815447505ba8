import type { DeviceAddress } from '../protocol/ids.js';

/**
 * The time after a wake-up in which a device gets no other one.
 *
 * Atomicity: of several calls for one device at once a single one begins the period. Expiry: by itself, when the period is over; may be forgotten before that, if the store comes back empty.
 * Throws DomainError `unavailable` when the store is away.
 */
export interface QuietPeriods {
  /** 0: a period began just now. Otherwise one is running, for so many ms more. */
  begin(device: DeviceAddress): Promise<number>;
}
