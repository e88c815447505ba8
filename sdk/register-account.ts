import { randomBytes } from 'node:crypto';

import { v7 } from 'uuid';

import type { AccountId, DeviceId } from '../protocol/ids.js';
import type { NewAccount } from '../protocol/rest/account.js';
import { signDeviceList } from './encryption/device-list.js';
import { makeOwnKeys, makePrekeys } from './encryption/prekeys.js';
import { keepOwnDevice, type OwnDevice } from './own-device.js';
import type { RestClient } from './rest/rest-client.js';
import { SdkError } from './sdk-error.js';
import type { DeviceStore } from './store/device-store.js';
import { table } from './store/table.js';

/** Key: `own`. What is sent to register; gone once the server took it. */
const registrationTable = table<NewAccount>('registration');

const primaryDevice = 1 as DeviceId;

export interface RegistrationOptions {
  readonly handle?: string | undefined;
  readonly deviceName: string;
  readonly proof?: string | undefined;
  readonly nowMs: number;
}

/**
 * Makes an account with this directory's device. Keys, ids and the secret are durable before the server hears of them, so a registration that was cut short goes on as the same one.
 * Throws SdkError `not_registered` without a handle, and what the server refuses: `conflict` for a handle that is taken.
 */
export async function registerAccount(store: DeviceStore, rest: RestClient, options: RegistrationOptions): Promise<OwnDevice> {
  const registration = await registrationOf(store, options);
  const { proof } = options;
  await rest.call('registerAccount', { body: proof === undefined ? registration : { ...registration, proof } });
  const unit = store.begin();
  const { accountId, handle, device } = registration;
  const registered = { accountId, deviceId: primaryDevice, handle, secret: device.secret };
  keepOwnDevice(unit, registered);
  unit.remove(registrationTable, 'own');
  await unit.commit();
  await store.flushed();
  return registered;
}

async function registrationOf(store: DeviceStore, { handle, deviceName, nowMs }: RegistrationOptions): Promise<NewAccount> {
  const begun = store.get(registrationTable, 'own');
  const wanted = handle ?? begun?.handle;
  if (wanted === undefined) throw new SdkError('not_registered', 'this directory holds no device yet; name the handle to register');
  if (begun !== undefined && begun.handle === wanted) return begun;
  const unit = store.begin();
  const registration = begun === undefined ? newRegistration(unit, wanted, { deviceName, nowMs }) : { ...begun, handle: wanted };
  unit.put(registrationTable, ['own'], registration);
  await unit.commit();
  await store.flushed();
  return registration;
}

function newRegistration(
  unit: ReturnType<DeviceStore['begin']>,
  handle: string,
  { deviceName, nowMs }: Pick<RegistrationOptions, 'deviceName' | 'nowMs'>,
): NewAccount {
  const accountId = v7() as AccountId;
  const { identityKey, registrationId } = makeOwnKeys(unit);
  const { signedPrekey, kemLastResort, ecPrekeys, kemPrekeys } = makePrekeys(unit, nowMs);
  return {
    accountId,
    handle,
    identityKey,
    device: {
      name: deviceName,
      registrationId,
      secret: randomBytes(32),
      keys: { signedPrekey, kemLastResort, ecPrekeys: [...ecPrekeys], kemPrekeys: [...kemPrekeys] },
    },
    deviceList: signDeviceList(unit, accountId, 1, [{ deviceId: primaryDevice, registrationId }]),
  };
}
