import type { Account, DeviceList } from '../../ports/accounts.js';
import type { AccountId } from '../../protocol/ids.js';

export interface AccountRow {
  readonly account_id: AccountId;
  readonly handle: string;
  readonly identity_key: Buffer;
  readonly device_list_version: number;
  readonly device_list_signature: Buffer;
  readonly created_at_ms: number;
}

export function accountOf(rows: readonly AccountRow[]): (Account & { readonly deviceList: DeviceList }) | undefined {
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    accountId: row.account_id,
    handle: row.handle,
    identityKey: row.identity_key,
    createdAtMs: row.created_at_ms,
    deviceList: { version: row.device_list_version, signature: row.device_list_signature },
  };
}
