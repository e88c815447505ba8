import { prekeyScarcity } from '../../core/prekey-scarcity.js';
import type { DeviceKeys, SignedPrekey } from '../../ports/accounts.js';
import type { DevicePrekeyBundle, PrekeyCount, Prekeys, ScarcePrekeys } from '../../ports/prekeys.js';
import { DomainError } from '../../protocol/errors.js';
import type { AccountId, DeviceAddress, DeviceId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { AccountRow } from './account-row.js';
import type { PostgresPool, PostgresRunner } from './postgres-pool.js';

interface RotatingRow {
  readonly device_id: DeviceId;
  readonly registration_id: number;
  readonly signed_prekey_id: number;
  readonly signed_prekey: Buffer;
  readonly signed_prekey_signature: Buffer;
  readonly kem_last_resort_id: number;
  readonly kem_last_resort: Buffer;
  readonly kem_last_resort_signature: Buffer;
}

interface SupplyRow extends PrekeyCount {
  readonly device_id: DeviceId;
  readonly prekeys_told: number;
}

interface OneTimeRow {
  readonly key_id: number;
  readonly public_key: Buffer;
  readonly signature: Buffer | null;
}

/**
 * Ids behind the newest spent one whose keys cannot come back. A device counts its ids up (libsignal), and sends again only what one upload held.
 */
const rememberedKeyIds = 10 * limits.maxPrekeysPerUpload;

export function createPostgresPrekeys(pool: PostgresPool): Prekeys {
  return {
    upload: (device, keys) =>
      pool.transaction(async (runner) => {
        const { accountId, deviceId } = device;
        // Held until the end: two uploads of one device cannot both find room for their keys, and no claim takes one of them meanwhile.
        await runner.rows('lock-account', accountId);
        if ((await runner.rows('find-active-device', accountId, deviceId)).length === 0) throw noDevice();
        const { signedPrekey, kemLastResort, ecPrekeys = [], kemPrekeys = [] } = keys;
        if (signedPrekey !== undefined) await replace(runner, 'replace-signed-prekey', device, signedPrekey);
        if (kemLastResort !== undefined) await replace(runner, 'replace-kem-last-resort', device, kemLastResort);
        await insertPrekeys(runner, device, { ecPrekeys, kemPrekeys });
        await runner.change('forget-spent-prekeys', accountId, deviceId, rememberedKeyIds);
        const count = await countOf(runner, device);
        for (const kind of ['ec', 'kem'] as const) {
          if (count[kind] <= limits.maxPrekeysPerUpload) continue;
          const field = `${kind}Prekeys`;
          throw new DomainError('too_large', `${field}: a device keeps at most ${limits.maxPrekeysPerUpload} here`, {
            detail: { field, limit: limits.maxPrekeysPerUpload },
          });
        }
        await runner.change('lower-prekeys-told', accountId, deviceId, prekeyScarcity(count));
        return count;
      }),
    count: (device) => countOf(pool, device),
    current: async ({ accountId, deviceId }) => {
      const [account] = await pool.rows<AccountRow>('find-account-by-id', accountId);
      const devices = await pool.rows<RotatingRow>('find-rotating-prekeys', accountId);
      const row = devices.find((of) => of.device_id === deviceId);
      if (account === undefined || row === undefined) throw noDevice();
      return { identityKey: account.identity_key, ...rotatingOf(row) };
    },
    claim: (accountId, deviceId) =>
      pool.transaction(async (runner) => {
        // Held until the end, beside other claims: the devices that are read next are those of this list, and their keys stay.
        const [account] = await runner.rows<AccountRow>('hold-account', accountId);
        const active = await runner.rows<RotatingRow>('find-rotating-prekeys', accountId);
        const asked = deviceId === undefined ? active : active.filter((row) => row.device_id === deviceId);
        if (account === undefined || asked.length === 0) throw noDevice();
        const devices: DevicePrekeyBundle[] = [];
        for (const row of asked) devices.push(await bundleOf(runner, accountId, row));
        return {
          accountId,
          identityKey: account.identity_key,
          deviceList: { version: account.device_list_version, signature: account.device_list_signature },
          listed: active.map((row) => ({ deviceId: row.device_id, registrationId: row.registration_id })),
          devices,
        };
      }),
    newlyScarce: (accountId) => pool.transaction((runner) => newlyScarce(runner, accountId)),
  };
}

async function newlyScarce(runner: PostgresRunner, accountId: AccountId): Promise<readonly ScarcePrekeys[]> {
  // No upload meanwhile: what is counted holds until it is written.
  await runner.rows('hold-account', accountId);
  const scarce: ScarcePrekeys[] = [];
  for (const { device_id: deviceId, prekeys_told: told, ec, kem } of await runner.rows<SupplyRow>('count-prekeys-of-account', accountId)) {
    const scarcity = prekeyScarcity({ ec, kem });
    // Of several who see it, one raises it.
    if (scarcity <= told || (await runner.change('raise-prekeys-told', accountId, deviceId, scarcity)) === 0) continue;
    scarce.push({ device: { accountId, deviceId }, left: { ec, kem } });
  }
  return scarce;
}

/** Keys that are there already, by their ids, stay as they are; those that were handed out do not come back. */
export async function insertPrekeys(
  runner: PostgresRunner,
  { accountId, deviceId }: DeviceAddress,
  { ecPrekeys, kemPrekeys }: Pick<DeviceKeys, 'ecPrekeys' | 'kemPrekeys'>,
): Promise<void> {
  const kinds = [
    ['ec', ecPrekeys.map((key) => ({ ...key, signature: null }))],
    ['kem', kemPrekeys],
  ] as const;
  for (const [kind, keys] of kinds) {
    if (keys.length === 0) continue;
    const columns = [keys.map(({ keyId }) => keyId), keys.map(({ publicKey }) => publicKey), keys.map(({ signature }) => signature)];
    await runner.change('insert-prekeys', accountId, deviceId, kind, ...columns);
  }
}

async function replace(
  runner: PostgresRunner,
  query: 'replace-signed-prekey' | 'replace-kem-last-resort',
  { accountId, deviceId }: DeviceAddress,
  { keyId, publicKey, signature }: SignedPrekey,
): Promise<void> {
  await runner.change(query, accountId, deviceId, keyId, publicKey, signature);
}

async function countOf(runner: PostgresRunner, { accountId, deviceId }: DeviceAddress): Promise<PrekeyCount> {
  const [count] = await runner.rows<{ ec: number; kem: number }>('count-prekeys', accountId, deviceId);
  return count ?? { ec: 0, kem: 0 };
}

async function bundleOf(runner: PostgresRunner, accountId: AccountId, row: RotatingRow): Promise<DevicePrekeyBundle> {
  const deviceId = row.device_id;
  const { signedPrekey, kemLastResort } = rotatingOf(row);
  const [ec] = await runner.rows<OneTimeRow>('claim-prekey', accountId, deviceId, 'ec');
  const [kem] = await runner.rows<OneTimeRow>('claim-prekey', accountId, deviceId, 'kem');
  return {
    deviceId,
    registrationId: row.registration_id,
    signedPrekey,
    ...(ec === undefined ? {} : { ecPrekey: { keyId: ec.key_id, publicKey: ec.public_key } }),
    kemPrekey: kem?.signature ? { keyId: kem.key_id, publicKey: kem.public_key, signature: kem.signature } : kemLastResort,
    kemIsLastResort: kem === undefined,
  };
}

function rotatingOf(row: RotatingRow): Pick<DeviceKeys, 'signedPrekey' | 'kemLastResort'> {
  return {
    signedPrekey: { keyId: row.signed_prekey_id, publicKey: row.signed_prekey, signature: row.signed_prekey_signature },
    kemLastResort: { keyId: row.kem_last_resort_id, publicKey: row.kem_last_resort, signature: row.kem_last_resort_signature },
  };
}

function noDevice(): DomainError {
  return new DomainError('not_found', 'there is no such active device');
}
