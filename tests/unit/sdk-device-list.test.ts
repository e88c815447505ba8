import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { acceptDeviceList, signDeviceList, type SignedDeviceList } from '../../sdk/encryption/device-list.js';
import { SdkParty } from '../support/sdk-party.js';

let reader: SdkParty;
let peer: SdkParty;

beforeAll(async () => {
  [reader, peer] = await Promise.all([SdkParty.create(), SdkParty.create()]);
});
afterAll(() => Promise.all([reader.dispose(), peer.dispose()]));

test('an older device list is the fault of the server, unless a later answer was here first', async () => {
  const { accountId, deviceId } = peer.address;
  const listed = [{ deviceId, registrationId: peer.registrationId }];
  const list = (version: number): SignedDeviceList => ({
    ...{ accountId, identityKey: peer.identityKey, listed, devices: listed },
    deviceList: signDeviceList(peer.store, accountId, version, listed),
  });
  const take = (version: number, knownVersion?: number) => reader.commit((unit) => acceptDeviceList(unit, list(version), knownVersion));
  await take(1);
  await take(3, 1);
  await expect(take(2, 1)).rejects.toMatchObject({ code: 'unavailable' });
  await expect(take(2, 3)).rejects.toMatchObject({ code: 'untrusted_server' });
  await expect(take(2)).rejects.toMatchObject({ code: 'untrusted_server' });
  await take(3);
});
