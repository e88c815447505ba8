import type { Devices } from '../../ports/accounts.js';
import { DomainError } from '../../protocol/errors.js';
import type { ConversationId, DeviceId } from '../../protocol/ids.js';
import type { PostgresPool } from './postgres-pool.js';

interface DeviceRow {
  readonly device_id: DeviceId;
  readonly registration_id: number;
  readonly name: string;
  readonly created_at_ms: number;
  readonly last_seen_at_ms: number | null;
}

export function createPostgresDevices(pool: PostgresPool): Devices {
  return {
    list: async (accountId) => {
      const rows = await pool.rows<DeviceRow>('list-devices', accountId);
      return rows.map((row) => ({
        deviceId: row.device_id,
        registrationId: row.registration_id,
        name: row.name,
        createdAtMs: row.created_at_ms,
        lastSeenAtMs: row.last_seen_at_ms ?? undefined,
      }));
    },
    secretHash: async ({ accountId, deviceId }) => {
      const [row] = await pool.rows<{ secret_hash: Buffer }>('find-active-device', accountId, deviceId);
      return row?.secret_hash;
    },
    isActive: async ({ accountId, deviceId }) => (await pool.rows('find-active-device', accountId, deviceId)).length > 0,
    revoke: ({ accountId, deviceId }, { version, signature }, atMs) =>
      pool.transaction(async (runner) => {
        const [account] = await runner.rows<{ device_list_version: number }>('lock-account', accountId);
        const revoked = await runner.change('revoke-device', accountId, deviceId, atMs);
        if (account === undefined || revoked === 0) throw new DomainError('not_found', 'there is no such active device');
        if (version <= account.device_list_version) {
          throw new DomainError('conflict', `deviceList.version: must be above ${account.device_list_version}`, {
            detail: { field: 'deviceList.version' },
          });
        }
        await runner.change('replace-device-list', accountId, version, signature);
        await runner.change('delete-prekeys', accountId, deviceId);
        const changed = await runner.rows<{ conversation_id: ConversationId }>('raise-conversation-versions', accountId);
        return changed.map((row) => row.conversation_id);
      }),
    seen: async ({ accountId, deviceId }, atMs) => {
      await pool.change('mark-device-seen', accountId, deviceId, atMs);
    },
  };
}
