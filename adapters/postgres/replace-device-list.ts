import type { DeviceList } from '../../ports/accounts.js';
import { DomainError } from '../../protocol/errors.js';
import type { AccountId, ConversationId } from '../../protocol/ids.js';
import type { PostgresRunner } from './postgres-pool.js';

/** Holds the account for the rest of the transaction: its devices change one after the other. Throws DomainError `not_found`. */
export async function lockDeviceList(runner: PostgresRunner, accountId: AccountId): Promise<{ readonly version: number }> {
  const [account] = await runner.rows<{ device_list_version: number }>('lock-account', accountId);
  if (account === undefined) throw new DomainError('not_found', 'there is no such account');
  return { version: account.device_list_version };
}

/** Answers the conversations whose roster changed with it. Throws DomainError `conflict` if the list is not newer. */
export async function replaceDeviceList(
  runner: PostgresRunner,
  accountId: AccountId,
  { stored, list }: { readonly stored: { readonly version: number }; readonly list: DeviceList },
): Promise<readonly ConversationId[]> {
  if (list.version <= stored.version) {
    throw new DomainError('conflict', `deviceList.version: must be above ${stored.version}`, { detail: { field: 'deviceList.version' } });
  }
  await runner.change('replace-device-list', accountId, list.version, list.signature);
  const changed = await runner.rows<{ conversation_id: ConversationId }>('raise-conversation-versions', accountId);
  return changed.map((row) => row.conversation_id);
}
