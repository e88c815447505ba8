import type { PushSubscriptions } from '../../ports/push-subscriptions.js';
import { DomainError } from '../../protocol/errors.js';
import { deviceKey, type AccountId, type DeviceId } from '../../protocol/ids.js';
import type { PushSubscription } from '../../protocol/rest/push.js';
import type { PostgresPool } from './postgres-pool.js';

type Row = PushSubscription & { readonly account_id: AccountId; readonly device_id: DeviceId };

export function createPostgresPushSubscriptions(pool: PostgresPool): PushSubscriptions {
  return {
    put: async ({ accountId, deviceId }, { kind, endpoint, keys }, nowMs) => {
      const put = await pool.change('put-push-subscription', accountId, deviceId, kind, endpoint, keys, nowMs);
      if (put === 0) throw new DomainError('not_found', 'there is no such active device');
    },
    find: async (devices) => {
      const columns = [devices.map(({ accountId }) => accountId), devices.map(({ deviceId }) => deviceId)];
      const rows = await pool.rows<Row>('find-push-subscriptions', ...columns);
      const found = new Map(
        rows.map(({ account_id: accountId, device_id: deviceId, ...subscription }) => [deviceKey({ accountId, deviceId }), subscription]),
      );
      return devices.map((device) => found.get(deviceKey(device)));
    },
    remove: async ({ accountId, deviceId }) => {
      await pool.change('delete-push-subscription', accountId, deviceId, null);
    },
    removeUnregistered: async ({ accountId, deviceId }, { endpoint }) => {
      await pool.change('delete-push-subscription', accountId, deviceId, endpoint);
    },
  };
}
