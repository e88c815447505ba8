import type { DeviceAddress } from '../protocol/ids.js';

/** One life of a gateway, which ended without a good-bye. */
export interface LostGateway {
  readonly gatewayId: string;
  readonly leaseEpoch: number;
  /** When it was last known to be there. */
  readonly lastSeenAtMs: number;
}

/** What is to be done about it. */
export interface Recovery extends LostGateway {
  /** How long its devices have to come back by themselves; longer while devices wait in line. */
  readonly patienceMs: number;
}

/** Where in the list of a lost gateway's devices a page ended; missing after the last one. */
export interface OrphanPage {
  readonly after?: DeviceAddress | undefined;
}

/** What became of the devices that a lost gateway had. */
export interface RecoveryCounts {
  /** That had not come back when the recovery began. */
  readonly devices: number;
  /** They have a session again. */
  readonly returned: number;
  /** Those for whom something waits are woken. */
  readonly stayedAway: number;
}

export interface HerdState {
  /** For how long it was watched. */
  readonly watchedMs: number;
  /** Devices that have not come back. */
  readonly away: number;
  /** How long whoever came now would wait to be let in. */
  readonly lineMs: number;
}

/** However long the line is. */
const longestWatchMs = 15 * 60_000;

/** Devices come back by themselves, each at its turn: it is over when all are here, or nobody waits in line any more. */
export function isHerdOver({ watchedMs, away, lineMs }: HerdState, { patienceMs }: Pick<Recovery, 'patienceMs'>): boolean {
  return away === 0 || watchedMs >= Math.max(longestWatchMs, patienceMs) || (watchedMs >= patienceMs && lineMs === 0);
}

export function recoveryId({ gatewayId, leaseEpoch }: Pick<LostGateway, 'gatewayId' | 'leaseEpoch'>): string {
  return `gateway-recovery/${gatewayId}/${leaseEpoch}`;
}
