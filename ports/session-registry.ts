import type { AccountId, DeviceAddress, DeviceId } from '../protocol/ids.js';

/** Where a device's session is. */
export interface SessionEntry {
  readonly gatewayId: string;
  /** Which life of the gateway: entries of an ended lease count as no session. */
  readonly leaseEpoch: number;
  /** The device's own connection number (`hello.connection`). */
  readonly sessionEpoch: number;
}

export interface DeviceSession extends SessionEntry {
  readonly deviceId: DeviceId;
}

export interface SessionClaim extends SessionEntry {
  readonly device: DeviceAddress;
}

/**
 * `claimed`: the entry is ours now; `existed` tells whether exactly this entry was still there before, `displaced` whether that of a session at another gateway was.
 * `lost`: a higher session epoch is stored (or the same one by a newer lease or another gateway).
 */
export type ClaimOutcome = { readonly outcome: 'claimed'; readonly existed: boolean; readonly displaced: boolean } | { readonly outcome: 'lost' };

/**
 * Which gateway holds which device. Never the only copy of anything; may come back empty.
 *
 * Atomicity: `claim` is one compare-and-set. Visibility: a look-up that starts after a claim resolved sees it.
 * Expiry: entries 60 s after their last claim, leases 10 s after their last renewal.
 * Throws DomainError `unavailable` when the registry is away.
 */
export interface SessionRegistry {
  /** Opens a new lease; its epoch is higher than every earlier one of this gateway, also after the registry was emptied. */
  openLease(gatewayId: string): Promise<number>;
  /** `false`: the lease lapsed or was replaced; it is never renewed, open a new one. */
  renewLease(gatewayId: string, leaseEpoch: number): Promise<boolean>;
  closeLease(gatewayId: string, leaseEpoch: number): Promise<void>;
  /** Also the refresh: claiming again what one holds extends it. Answers in the order of the claims. */
  claim(claims: readonly SessionClaim[]): Promise<readonly ClaimOutcome[]>;
  /** Removes exactly these entries; entries that others hold by now stay. */
  release(claims: readonly SessionClaim[]): Promise<void>;
  /** One round trip for all. Sessions of each account in the order given, without those whose gateway lease is gone or newer. */
  lookup(accounts: readonly AccountId[]): Promise<readonly (readonly DeviceSession[])[]>;
}
