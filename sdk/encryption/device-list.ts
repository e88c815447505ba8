import { PublicKey } from '@signalapp/libsignal-client';

import { DomainError } from '../../protocol/errors.js';
import { deviceKey, type AccountId } from '../../protocol/ids.js';
import { deviceListBytes, type DeviceList, type ListedDevice } from '../../protocol/rest/device.js';
import type { PrekeyBundle } from '../../protocol/rest/prekey.js';
import { SdkError } from '../sdk-error.js';
import { table } from '../store/table.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { signalBytes } from './signal-bytes.js';
import { ownIdentityOf } from './signal-stores.js';

/** Key: account id. Version of the newest device list that was seen. */
const listVersionTable = table<number>('device-list-version');

export function signDeviceList(unit: Pick<UnitOfWork, 'get'>, accountId: AccountId, version: number, devices: readonly ListedDevice[]): DeviceList {
  const signature = ownIdentityOf(unit).privateKey.sign(signalBytes(deviceListBytes(accountId, version, devices)));
  return { version, signature };
}

export type SignedDeviceList = Pick<PrekeyBundle, 'accountId' | 'identityKey' | 'deviceList' | 'listed'> & {
  /** Those that are to be used. */
  readonly devices: readonly ListedDevice[];
};

/** Of the newest list of the account that was seen; 0 before any was. */
export function knownListVersion(rows: Pick<UnitOfWork, 'get'>, accountId: AccountId): number {
  return rows.get(listVersionTable, accountId) ?? 0;
}

/**
 * The server can hand out keys, but not add a device: what it names must be on the list that the account itself signed, and no older list may come back.
 * `knownVersion`: when it was asked for. Throws SdkError `untrusted_server`, DomainError `unavailable` if an answer to a later question was here first: to be asked for again.
 */
export function acceptDeviceList(
  unit: UnitOfWork,
  { accountId, identityKey, deviceList, listed, devices }: SignedDeviceList,
  knownVersion = knownListVersion(unit, accountId),
): void {
  const { version, signature } = deviceList;
  const signed = PublicKey.deserialize(signalBytes(identityKey)).verify(
    signalBytes(deviceListBytes(accountId, version, listed)),
    signalBytes(signature),
  );
  if (!signed) throw new SdkError('untrusted_server', `the device list of ${accountId} is not signed by its account`);
  if (version < knownVersion) throw new SdkError('untrusted_server', `an older device list of ${accountId} came back`);
  if (version < knownListVersion(unit, accountId)) throw new DomainError('unavailable', `a newer device list of ${accountId} came meanwhile`);
  for (const { deviceId, registrationId } of devices) {
    if (!listed.some((device) => device.deviceId === deviceId && device.registrationId === registrationId)) {
      throw new SdkError('untrusted_server', `${deviceKey({ accountId, deviceId })} is not on the device list of its account`);
    }
  }
  unit.put(listVersionTable, [accountId], version);
}
