import { randomUUID } from 'node:crypto';

import type { RemovalCounts, RemovalKind } from '../../core/removal-plan.js';
import type { Removals } from '../../ports/removals.js';
import type { AccountId, ConversationId, DeviceAddress, DeviceId, RemovalId } from '../../protocol/ids.js';
import type { PostgresPool, PostgresRunner } from './postgres-pool.js';
import { lockDeviceList } from './replace-device-list.js';

interface RemovalRow {
  readonly removal_id: RemovalId;
  readonly account_id: AccountId | null;
  readonly device_id: DeviceId | null;
  readonly begun_at_ms: number;
  readonly finished_at_ms: number | null;
  readonly removed: RemovalCounts | null;
  readonly devices: readonly DeviceId[];
}

export function createPostgresRemovals(pool: PostgresPool): Removals {
  return {
    eraseAccount: (accountId, nowMs) =>
      pool.transaction(async (runner) => {
        await lockDeviceList(runner, accountId);
        const changed = await runner.rows<{ conversation_id: ConversationId }>('raise-conversation-versions', accountId);
        const devices = await runner.rows<{ device_id: DeviceId }>('erase-devices', accountId, nowMs);
        await runner.change('erase-account', accountId, nowMs);
        return {
          removalId: await beginRemoval(runner, { accountId }, nowMs),
          devices: devices.map(({ device_id: deviceId }) => ({ accountId, deviceId })),
          conversationIds: changed.map((row) => row.conversation_id),
        };
      }),
    open: async (limit) => {
      const rows = await pool.rows<Pick<RemovalRow, 'removal_id' | 'device_id'>>('find-open-removals', limit);
      return rows.map((row) => ({ removalId: row.removal_id, kind: kindOf(row) }));
    },
    find: async (removalId) => {
      const [row] = await pool.rows<RemovalRow>('find-removal', removalId);
      if (row === undefined) return undefined;
      const { account_id: accountId, begun_at_ms: begunAtMs, finished_at_ms: atMs, removed } = row;
      const devices = accountId === null ? [] : row.devices.map((deviceId) => ({ accountId, deviceId }));
      return { removalId, kind: kindOf(row), begunAtMs, devices, finished: atMs === null || removed === null ? undefined : { atMs, removed } };
    },
    finish: async (removalId, removed, nowMs) => {
      await pool.change('finish-removal', removalId, nowMs, JSON.stringify(removed));
    },
    forget: (finishedBeforeMs, limit) => pool.change('forget-removals', finishedBeforeMs, limit),
  };
}

/** In the transaction that revokes the device, or all of the account's. Answers its id. */
export async function beginRemoval(
  runner: PostgresRunner,
  { accountId, deviceId }: Pick<DeviceAddress, 'accountId'> & Partial<DeviceAddress>,
  nowMs: number,
): Promise<RemovalId> {
  const removalId = randomUUID() as RemovalId;
  await runner.change('insert-removal', removalId, accountId, deviceId ?? null, nowMs);
  return removalId;
}

function kindOf({ device_id: deviceId }: Pick<RemovalRow, 'device_id'>): RemovalKind {
  return deviceId === null ? 'account' : 'device';
}
