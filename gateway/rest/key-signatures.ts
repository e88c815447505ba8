import type { SignatureCheck } from '../../core/xeddsa.js';
import { DomainError } from '../../protocol/errors.js';
import type { AccountId } from '../../protocol/ids.js';
import { deviceListBytes, type DeviceList, type ListedDevice } from '../../protocol/rest/device.js';
import type { PrekeyUpload } from '../../protocol/rest/prekey.js';

/** Every signed prekey is signed by its account. Clients check again; this keeps what nobody could use out of the directory. Throws DomainError `invalid_request` that names the field. */
export async function requirePrekeySignatures(check: SignatureCheck, keys: PrekeyUpload, path = ''): Promise<void> {
  const { signedPrekey, kemLastResort, kemPrekeys = [] } = keys;
  const named = [
    ['signedPrekey', signedPrekey] as const,
    ['kemLastResort', kemLastResort] as const,
    ...kemPrekeys.map((key, index) => [`kemPrekeys.${index}`, key] as const),
  ];
  const valid = await Promise.all(named.map(([, key]) => (key === undefined ? Promise.resolve(true) : check(key.publicKey, key.signature))));
  const wrong = named[valid.indexOf(false)];
  if (wrong !== undefined) throw wrongSignature(`${path}${wrong[0]}.signature`);
}

export interface SignedList {
  readonly accountId: AccountId;
  readonly deviceList: DeviceList;
  readonly listed: readonly ListedDevice[];
}

export async function requireListSignature(check: SignatureCheck, { accountId, deviceList, listed }: SignedList): Promise<void> {
  const { version, signature } = deviceList;
  if (!(await check(deviceListBytes(accountId, version, listed), signature))) throw wrongSignature('deviceList.signature');
}

function wrongSignature(field: string): DomainError {
  return new DomainError('invalid_request', `${field}: not a signature of this account's identity key over what it comes with`, {
    detail: { field },
  });
}
