import type { Clock } from '../../../ports/clock.js';
import type { ClaimOutcome, SessionEntry, SessionRegistry, SessionClaim } from '../../../ports/session-registry.js';
import { deviceKey, type AccountId, type DeviceId } from '../../../protocol/ids.js';
export function createMemorySessionRegistry(clock: Clock): SessionRegistry {
  const leases = new Map<string, { epoch: number; until: number }>();
  const entries = new Map<AccountId, Map<DeviceId, SessionEntry & { until: number }>>();
  const leaseOk = (e: SessionEntry) => {
    const l = leases.get(e.gatewayId);
    return l !== undefined && l.until >= clock.nowMs() && l.epoch === e.leaseEpoch;
  };
  const claim = (c: SessionClaim): ClaimOutcome => {
    const m = entries.get(c.device.accountId) ?? new Map<DeviceId, SessionEntry & { until: number }>();
    entries.set(c.device.accountId, m);
    const e = m.get(c.device.deviceId);
    const live = e !== undefined && e.until >= clock.nowMs();
    if (
      live &&
      (e.sessionEpoch > c.sessionEpoch || (e.sessionEpoch === c.sessionEpoch && (e.gatewayId !== c.gatewayId || e.leaseEpoch > c.leaseEpoch)))
    )
      return { outcome: 'lost' };
    const existed = live && e.sessionEpoch === c.sessionEpoch && e.leaseEpoch === c.leaseEpoch;
    m.set(c.device.deviceId, { gatewayId: c.gatewayId, leaseEpoch: c.leaseEpoch, sessionEpoch: c.sessionEpoch, until: clock.nowMs() + 60000 });
    return { outcome: 'claimed', existed };
  };
  return {
    openLease: (g) => {
      const old = leases.get(g);
      const epoch = Math.max((old?.epoch ?? 0) + 1, Math.floor(clock.nowMs()) + 1);
      leases.set(g, { epoch, until: clock.nowMs() + 10000 });
      return Promise.resolve(epoch);
    },
    renewLease: (g, epoch) => {
      const l = leases.get(g);
      if (l === undefined || l.until < clock.nowMs() || l.epoch !== epoch) return Promise.resolve(false);
      l.until = clock.nowMs() + 10000;
      return Promise.resolve(true);
    },
    closeLease: (g, epoch) => {
      if (leases.get(g)?.epoch === epoch) leases.delete(g);
      return Promise.resolve();
    },
    claim: (cs) => Promise.resolve(cs.map(claim)),
    release: (cs) => {
      for (const c of cs) {
        const m = entries.get(c.device.accountId);
        const e = m?.get(c.device.deviceId);
        if (e && e.sessionEpoch === c.sessionEpoch && e.gatewayId === c.gatewayId && e.leaseEpoch === c.leaseEpoch) m?.delete(c.device.deviceId);
      }
      return Promise.resolve();
    },
    lookup: (as) =>
      Promise.resolve(
        as.map((a) =>
          [...(entries.get(a) ?? [])]
            .filter(([, e]) => e.until >= clock.nowMs() && leaseOk(e))
            .map(([deviceId, e]) => ({ deviceId, gatewayId: e.gatewayId, leaseEpoch: e.leaseEpoch, sessionEpoch: e.sessionEpoch })),
        ),
      ),
  };
}
