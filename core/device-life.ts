import type { DeviceAddress } from '../protocol/ids.js';

/** A device that is or was active, times in ms. */
export interface DeviceLife {
  readonly device: DeviceAddress;
  readonly createdAtMs: number;
  readonly revokedAtMs?: number | undefined;
  /** When its account joined the conversation, if it is a member now. */
  readonly joinedAtMs?: number | undefined;
}
