import type { NewDevice } from '../../ports/accounts.js';
import type { AccountId } from '../../protocol/ids.js';
import type { PostgresRunner } from './postgres-pool.js';
import { insertPrekeys } from './postgres-prekeys.js';

/** With its prekeys. */
export async function insertDevice(runner: PostgresRunner, accountId: AccountId, device: NewDevice, createdAtMs: number): Promise<void> {
  const { deviceId, registrationId, name, secretHash, keys } = device;
  const { signedPrekey, kemLastResort } = keys;
  await runner.change(
    'insert-device',
    ...[accountId, deviceId, registrationId, name, secretHash],
    ...[signedPrekey.keyId, signedPrekey.publicKey, signedPrekey.signature],
    ...[kemLastResort.keyId, kemLastResort.publicKey, kemLastResort.signature],
    createdAtMs,
  );
  await insertPrekeys(runner, { accountId, deviceId }, keys);
}
