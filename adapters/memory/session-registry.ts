import type { Clock } from '../../ports/clock.js';
import type { ClaimOutcome, DeviceSession, SessionClaim, SessionEntry, SessionRegistry } from '../../ports/session-registry.js';
import type { AccountId, DeviceId } from '../../protocol/ids.js';

const entryLifeMs = 60_000;
const leaseLifeMs = 10_000;

interface Lease {
  readonly epoch: number;
  untilMs: number;
}

interface Entry extends SessionEntry {
  untilMs: number;
}

/** The registry of one process. */
export function createMemorySessionRegistry(clock: Clock): SessionRegistry {
  const leases = new Map<string, Lease>();
  const accounts = new Map<AccountId, Map<DeviceId, Entry>>();

  const isPresent = (lease: Lease | undefined, epoch: number): lease is Lease => lease?.epoch === epoch && lease.untilMs > clock.nowMs();

  const claimOne = ({ device, gatewayId, leaseEpoch, sessionEpoch }: SessionClaim): ClaimOutcome => {
    let devices = accounts.get(device.accountId);
    if (devices === undefined) accounts.set(device.accountId, (devices = new Map<DeviceId, Entry>()));
    const entry = devices.get(device.deviceId);
    const stored = entry !== undefined && entry.untilMs > clock.nowMs() ? entry : undefined;
    if (stored !== undefined && outranks(stored, { gatewayId, leaseEpoch, sessionEpoch })) return { outcome: 'lost' };
    const existed = stored?.sessionEpoch === sessionEpoch && stored.gatewayId === gatewayId && stored.leaseEpoch === leaseEpoch;
    devices.set(device.deviceId, { gatewayId, leaseEpoch, sessionEpoch, untilMs: clock.nowMs() + entryLifeMs });
    return { outcome: 'claimed', existed, displaced: stored !== undefined && stored.gatewayId !== gatewayId };
  };

  const releaseOne = ({ device, gatewayId, leaseEpoch, sessionEpoch }: SessionClaim): void => {
    const devices = accounts.get(device.accountId);
    const entry = devices?.get(device.deviceId);
    if (entry?.gatewayId !== gatewayId || entry.leaseEpoch !== leaseEpoch || entry.sessionEpoch !== sessionEpoch) return;
    devices?.delete(device.deviceId);
    if (devices?.size === 0) accounts.delete(device.accountId);
  };

  const sessionsOf = (accountId: AccountId): DeviceSession[] => {
    const nowMs = clock.nowMs();
    const sessions: DeviceSession[] = [];
    for (const [deviceId, { gatewayId, leaseEpoch, sessionEpoch, untilMs }] of accounts.get(accountId) ?? []) {
      if (untilMs > nowMs && isPresent(leases.get(gatewayId), leaseEpoch)) sessions.push({ deviceId, gatewayId, leaseEpoch, sessionEpoch });
    }
    return sessions;
  };

  return {
    openLease: (gatewayId) => {
      const epoch = Math.max((leases.get(gatewayId)?.epoch ?? 0) + 1, Math.floor(clock.nowMs()));
      leases.set(gatewayId, { epoch, untilMs: clock.nowMs() + leaseLifeMs });
      return Promise.resolve(epoch);
    },
    renewLease: (gatewayId, leaseEpoch) => {
      const lease = leases.get(gatewayId);
      if (!isPresent(lease, leaseEpoch)) return Promise.resolve(false);
      lease.untilMs = clock.nowMs() + leaseLifeMs;
      return Promise.resolve(true);
    },
    closeLease: (gatewayId, leaseEpoch) => {
      const lease = leases.get(gatewayId);
      // The epoch stays, so that the next lease is higher.
      if (lease?.epoch === leaseEpoch) lease.untilMs = 0;
      return Promise.resolve();
    },
    claim: (claims) => Promise.resolve(claims.map(claimOne)),
    release: (claims) => {
      for (const claim of claims) releaseOne(claim);
      return Promise.resolve();
    },
    lookup: (asked) => Promise.resolve(asked.map(sessionsOf)),
  };
}

/** A higher connection number wins; of equal ones the same gateway's newer lease. */
function outranks(stored: SessionEntry, claim: SessionEntry): boolean {
  if (stored.sessionEpoch !== claim.sessionEpoch) return stored.sessionEpoch > claim.sessionEpoch;
  return stored.gatewayId !== claim.gatewayId || stored.leaseEpoch > claim.leaseEpoch;
}
