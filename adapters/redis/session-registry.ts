import type { ClaimOutcome, DeviceSession, SessionClaim, SessionRegistry } from '../../ports/session-registry.js';
import type { AccountId, DeviceId } from '../../protocol/ids.js';
import type { RedisConnection } from './redis-connection.js';

/** A script holds up everybody else while it runs. */
const claimsPerScript = 500;
/** Lua takes 8,000 at most. */
const accountsPerLookup = 1_000;
/** How long leases that ended, and lists of their devices, are remembered. */
export const endedLeasesMs = 24 * 3_600_000;

export interface SessionLives {
  readonly entryMs: number;
  readonly leaseMs: number;
}

export const usualLives: SessionLives = { entryMs: 60_000, leaseMs: 10_000 };

/** [gateway id, lease epoch, session epoch, until], numbers as text: scripts/claim-sessions.lua. */
type StoredEntry = readonly [string, string, string, string];

/** Names of keys that the registry and the lists of lost gateways share. */
export function registryKeys(connection: RedisConnection) {
  const lists = `${connection.key('sessions-of')}:`;
  return {
    leases: connection.key('leases'),
    lost: connection.key('lost-leases'),
    lists,
    list: (gatewayId: string, leaseEpoch: number) => `${lists}${gatewayId}:${leaseEpoch}`,
  };
}

/** One string an account, so that a look-up is one command for a whole roster. */
export function createRedisSessionRegistry(connection: RedisConnection, lives: SessionLives = usualLives): SessionRegistry {
  const { leases, lost, lists, list } = registryKeys(connection);
  const sessionsKey = (accountId: AccountId) => connection.key('session', accountId);
  const parts = ({ device: { accountId, deviceId }, gatewayId, leaseEpoch, sessionEpoch }: SessionClaim) => [
    accountId,
    deviceId,
    gatewayId,
    leaseEpoch,
    sessionEpoch,
  ];
  const keys = (claims: readonly SessionClaim[]) => claims.map(({ device }) => sessionsKey(device.accountId));

  return {
    openLease: async (gatewayId) => Number(await connection.script('open-lease', [leases, lost], [gatewayId, lives.leaseMs, endedLeasesMs])),
    renewLease: async (gatewayId, leaseEpoch) => (await connection.script('renew-lease', [leases], [gatewayId, lives.leaseMs, leaseEpoch])) === 1,
    closeLease: async (gatewayId, leaseEpoch) => {
      await connection.script('close-lease', [leases, lost, list(gatewayId, leaseEpoch)], [gatewayId, leaseEpoch]);
    },
    claim: async (claims) => {
      const answers = await Promise.all(
        inChunks(claims, claimsPerScript).map((chunk) =>
          connection.script('claim-sessions', keys(chunk), [lives.entryMs, lists, endedLeasesMs, ...chunk.flatMap(parts)]),
        ),
      );
      return (answers.flat() as number[]).map(outcomeOf);
    },
    release: async (claims) => {
      await Promise.all(
        inChunks(claims, claimsPerScript).map((chunk) => connection.script('release-sessions', keys(chunk), [lists, ...chunk.flatMap(parts)])),
      );
    },
    lookup: async (accounts) => {
      const answers = await Promise.all(
        inChunks(accounts, accountsPerLookup).map((chunk) => connection.script('lookup-sessions', [leases, ...chunk.map(sessionsKey)], [])),
      );
      return (answers as LookupAnswer[]).flatMap(sessionsOf);
    },
  };
}

function outcomeOf(answer: number): ClaimOutcome {
  return answer < 0 ? { outcome: 'lost' } : { outcome: 'claimed', existed: answer === 1, displaced: answer === 2 };
}

/** scripts/lookup-sessions.lua */
type LookupAnswer = readonly [values: readonly (string | null)[], held: readonly string[], time: readonly [string, string]];

function sessionsOf([values, held, [seconds, microseconds]]: LookupAnswer): readonly (readonly DeviceSession[])[] {
  const nowMs = Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
  const present = new Map<string, number>();
  for (let at = 0; at + 1 < held.length; at += 2) {
    const [gatewayId = '', lease = ''] = held.slice(at, at + 2);
    const epoch = presentEpoch(lease, nowMs);
    if (epoch !== undefined) present.set(gatewayId, epoch);
  }
  return values.map((value) => (value === null ? [] : sessionsIn(value, present, nowMs)));
}

function presentEpoch(lease: string, nowMs: number): number | undefined {
  const [epoch, until = 0] = lease.split('|').map(Number);
  return until <= nowMs ? undefined : epoch;
}

function sessionsIn(value: string, leases: ReadonlyMap<string, number>, nowMs: number): readonly DeviceSession[] {
  const devices = Object.entries(JSON.parse(value) as Readonly<Record<string, StoredEntry>>);
  return devices.flatMap(([device, [gatewayId, leaseEpoch, sessionEpoch, until]]) => {
    if (Number(until) <= nowMs || leases.get(gatewayId) !== Number(leaseEpoch)) return [];
    return [{ deviceId: Number(device) as DeviceId, gatewayId, leaseEpoch: Number(leaseEpoch), sessionEpoch: Number(sessionEpoch) }];
  });
}

function inChunks<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  const chunks: (readonly Item[])[] = [];
  for (let at = 0; at < items.length; at += size) chunks.push(items.slice(at, at + size));
  return chunks;
}
