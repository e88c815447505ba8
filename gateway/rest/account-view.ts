import type { AccountWithDevices } from '../../ports/accounts.js';
import { DomainError } from '../../protocol/errors.js';
import type { AccountView } from '../../protocol/rest/account.js';

/** What others may know of an account. Throws DomainError `not_found`. */
export function accountViewOf(account: AccountWithDevices | undefined): AccountView {
  if (account === undefined) throw new DomainError('not_found', 'there is no such account');
  const { accountId, handle, identityKey, deviceList, devices } = account;
  return { accountId, handle, identityKey, deviceList, devices: devices.map(({ deviceId, registrationId }) => ({ deviceId, registrationId })) };
}
