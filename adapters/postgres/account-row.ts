import type { AccountWithDevices } from '../../ports/accounts.js';
import type { AccountId, DeviceId } from '../../protocol/ids.js';

export interface AccountRow {
  readonly account_id: AccountId;
  readonly handle: string;
  readonly identity_key: Buffer;
  readonly device_list_version: number;
  readonly device_list_signature: Buffer;
  readonly created_at_ms: number;
}

type DeviceColumns = {
  readonly device_id: DeviceId;
  readonly registration_id: number;
  readonly device_name: string;
  readonly device_created_at_ms: number;
  readonly last_seen_at_ms: number | null;
};

/** One for each active device; one without a device for an account that has none. */
export type AccountDeviceRow = AccountRow & (DeviceColumns | { readonly device_id: null });

export function accountOf(rows: readonly AccountDeviceRow[]): AccountWithDevices | undefined {
  const [account] = rows;
  if (account === undefined) return undefined;
  return {
    accountId: account.account_id,
    handle: account.handle,
    identityKey: account.identity_key,
    createdAtMs: account.created_at_ms,
    deviceList: { version: account.device_list_version, signature: account.device_list_signature },
    devices: rows.flatMap((row) =>
      row.device_id === null
        ? []
        : {
            deviceId: row.device_id,
            registrationId: row.registration_id,
            name: row.device_name,
            createdAtMs: row.device_created_at_ms,
            lastSeenAtMs: row.last_seen_at_ms ?? undefined,
          },
    ),
  };
}
