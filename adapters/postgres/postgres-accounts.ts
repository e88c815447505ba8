import type { Account, Accounts, NewDevice } from '../../ports/accounts.js';
import { DomainError } from '../../protocol/errors.js';
import { accountOf, type AccountDeviceRow } from './account-row.js';
import { insertDevice } from './insert-device.js';
import type { PostgresPool, PostgresRunner } from './postgres-pool.js';

export function createPostgresAccounts(pool: PostgresPool): Accounts {
  return {
    create: (account, device, deviceList) =>
      pool.transaction(async (runner) => {
        const { accountId, handle, identityKey, createdAtMs } = account;
        const { version, signature } = deviceList;
        const made = await runner.change('insert-account', accountId, handle, identityKey, version, signature, createdAtMs);
        if (made === 0) return firstRegistration(runner, account, device);
        await insertDevice(runner, accountId, device, createdAtMs);
        return { account, created: true };
      }),
    byId: async (accountId) => accountOf(await pool.rows<AccountDeviceRow>('find-account-by-id', accountId)),
    byHandle: async (handle) => accountOf(await pool.rows<AccountDeviceRow>('find-account-by-handle', handle)),
  };
}

/** The same device asks again, because the first answer was lost; whatever else has that id or handle is in the way. */
async function firstRegistration(runner: PostgresRunner, account: Account, device: NewDevice): Promise<{ account: Account; created: false }> {
  const stored = accountOf(await runner.rows<AccountDeviceRow>('find-account-by-id', account.accountId));
  const [first] = await runner.rows<{ secret_hash: Buffer }>('find-active-device', account.accountId, device.deviceId);
  const isSame =
    stored?.handle === account.handle &&
    Buffer.compare(stored.identityKey, account.identityKey) === 0 &&
    first !== undefined &&
    Buffer.compare(first.secret_hash, device.secretHash) === 0;
  if (isSame) return { account: stored, created: false };
  const field = stored === undefined ? 'handle' : 'accountId';
  throw new DomainError('conflict', `${field}: taken already`, { detail: { field } });
}
