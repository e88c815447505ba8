import { MicroBatcher } from '../../core/micro-batcher.js';
import type { Devices } from '../../ports/accounts.js';
import { DomainError } from '../../protocol/errors.js';
import { deviceKey, type AccountId, type DeviceAddress, type DeviceId } from '../../protocol/ids.js';
import type { PostgresPool } from './postgres-pool.js';
import { beginRemoval } from './postgres-removals.js';
import { lockDeviceList, replaceDeviceList } from './replace-device-list.js';

/** A herd of devices that connect asks for each of them, and marks each: together they take a few queries and two connections. */
const herd = { maxWaiting: 100_000, maxBatch: 500, retryAfterMs: 1_000 };

type Seen = DeviceAddress & { readonly atMs: number };

interface SeenRow {
  readonly account_id: AccountId;
  readonly device_id: DeviceId;
  readonly last_seen_at_ms: number | null;
}

export function createPostgresDevices(pool: PostgresPool): Devices {
  const active = new MicroBatcher((devices: readonly DeviceAddress[]) => areActive(pool, devices), herd);
  const seen = new MicroBatcher((batch: readonly Seen[]) => markSeen(pool, batch), herd);
  return {
    secretHash: async ({ accountId, deviceId }) => {
      const [row] = await pool.rows<{ secret_hash: Buffer }>('find-active-device', accountId, deviceId);
      return row?.secret_hash;
    },
    isActive: (device) => active.add(device),
    revoke: ({ accountId, deviceId }, list, atMs) =>
      pool.transaction(async (runner) => {
        const stored = await lockDeviceList(runner, accountId);
        const revoked = await runner.change('revoke-device', accountId, deviceId, atMs);
        if (revoked === 0) throw new DomainError('not_found', 'there is no such active device');
        await runner.change('delete-prekeys', accountId, deviceId);
        await runner.change('delete-push-subscription', accountId, deviceId, null);
        const conversationIds = await replaceDeviceList(runner, accountId, { stored, list });
        return { conversationIds, removalId: await beginRemoval(runner, { accountId, deviceId }, atMs) };
      }),
    seen: (device, atMs) => seen.add({ ...device, atMs }),
    lastSeen: async (accounts) => {
      const rows = await pool.rows<{ account_id: AccountId; last_seen_at_ms: number | null }>('find-last-seen', accounts);
      const times = new Map(rows.map((row) => [row.account_id, row.last_seen_at_ms ?? undefined]));
      return accounts.map((accountId) => times.get(accountId));
    },
  };
}

async function areActive(pool: PostgresPool, devices: readonly DeviceAddress[]): Promise<readonly boolean[]> {
  const accountIds = devices.map(({ accountId }) => accountId);
  const deviceIds = devices.map(({ deviceId }) => deviceId);
  const rows = await pool.rows<{ account_id: AccountId; device_id: DeviceId }>('find-active-devices', accountIds, deviceIds);
  const found = new Set(rows.map((row) => deviceKey({ accountId: row.account_id, deviceId: row.device_id })));
  return devices.map((device) => found.has(deviceKey(device)));
}

async function markSeen(pool: PostgresPool, batch: readonly Seen[]): Promise<readonly (number | undefined)[]> {
  const columns = [batch.map(({ accountId }) => accountId), batch.map(({ deviceId }) => deviceId), batch.map(({ atMs }) => atMs)];
  const rows = await pool.rows<SeenRow>('mark-devices-seen', ...columns);
  const before = new Map(rows.map((row) => [deviceKey({ accountId: row.account_id, deviceId: row.device_id }), row.last_seen_at_ms ?? undefined]));
  return batch.map((device) => before.get(deviceKey(device)));
}
