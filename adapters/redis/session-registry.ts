import type { ClaimOutcome, DeviceSession, SessionClaim, SessionRegistry } from '../../ports/session-registry.js';
import type { AccountId, DeviceId } from '../../protocol/ids.js';
import type { RedisConnection } from './redis-connection.js';

/** A script holds up everybody else while it runs. */
const claimsPerScript = 500;
const endedLeasesMs = 24 * 3_600_000;

export interface SessionLives {
  readonly entryMs: number;
  readonly leaseMs: number;
}

const usualLives: SessionLives = { entryMs: 60_000, leaseMs: 10_000 };

/** [gateway id, lease epoch, session epoch, until], numbers as text: scripts/claim-sessions.lua. */
type StoredEntry = readonly [string, string, string, string];

/** One string an account, so that a look-up is one command for a whole roster. */
export function createRedisSessionRegistry(connection: RedisConnection, lives: SessionLives = usualLives): SessionRegistry {
  const leases = connection.key('leases');
  const sessionsKey = (accountId: AccountId) => connection.key('session', accountId);
  const parts = ({ device, gatewayId, leaseEpoch, sessionEpoch }: SessionClaim) => [device.deviceId, gatewayId, leaseEpoch, sessionEpoch];
  const keys = (claims: readonly SessionClaim[]) => claims.map(({ device }) => sessionsKey(device.accountId));

  return {
    openLease: async (gatewayId) => Number(await connection.script('open-lease', [leases], [gatewayId, lives.leaseMs, endedLeasesMs])),
    renewLease: async (gatewayId, leaseEpoch) => (await connection.script('renew-lease', [leases], [gatewayId, lives.leaseMs, leaseEpoch])) === 1,
    closeLease: async (gatewayId, leaseEpoch) => {
      await connection.script('close-lease', [leases], [gatewayId, leaseEpoch]);
    },
    claim: async (claims) => {
      const answers = await Promise.all(
        inChunks(claims).map((chunk) => connection.script('claim-sessions', keys(chunk), [lives.entryMs, ...chunk.flatMap(parts)])),
      );
      return (answers.flat() as number[]).map(outcomeOf);
    },
    release: async (claims) => {
      await Promise.all(inChunks(claims).map((chunk) => connection.script('release-sessions', keys(chunk), chunk.flatMap(parts))));
    },
    lookup: async (accounts) => {
      if (accounts.length === 0) return [];
      const [values, held, [seconds, microseconds]] = await connection.pipeline<[(string | null)[], Record<string, string>, [string, string]]>(
        (pipeline) => pipeline.mget(accounts.map(sessionsKey)).hgetall(leases).time(),
      );
      const nowMs = Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
      const present = new Map(Object.entries(held).flatMap(([gatewayId, lease]) => presentEpoch(gatewayId, lease, nowMs)));
      return values.map((value) => (value === null ? [] : sessionsIn(value, present, nowMs)));
    },
  };
}

function outcomeOf(answer: number): ClaimOutcome {
  return answer < 0 ? { outcome: 'lost' } : { outcome: 'claimed', existed: answer === 1, displaced: answer === 2 };
}

function presentEpoch(gatewayId: string, lease: string, nowMs: number): [string, number][] {
  const [epoch, until] = lease.split('|').map(Number);
  return epoch === undefined || until === undefined || until <= nowMs ? [] : [[gatewayId, epoch]];
}

function sessionsIn(value: string, leases: ReadonlyMap<string, number>, nowMs: number): readonly DeviceSession[] {
  const devices = Object.entries(JSON.parse(value) as Readonly<Record<string, StoredEntry>>);
  return devices.flatMap(([device, [gatewayId, leaseEpoch, sessionEpoch, until]]) => {
    if (Number(until) <= nowMs || leases.get(gatewayId) !== Number(leaseEpoch)) return [];
    return [{ deviceId: Number(device) as DeviceId, gatewayId, leaseEpoch: Number(leaseEpoch), sessionEpoch: Number(sessionEpoch) }];
  });
}

function inChunks(claims: readonly SessionClaim[]): readonly (readonly SessionClaim[])[] {
  const chunks: (readonly SessionClaim[])[] = [];
  for (let at = 0; at < claims.length; at += claimsPerScript) chunks.push(claims.slice(at, at + claimsPerScript));
  return chunks;
}
