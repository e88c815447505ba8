import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { DeviceAddress } from '../../protocol/ids.js';
import { deviceList, newDevice, register, type DirectoryUnderTest } from '../support/directory-fixtures.js';
import { deviceNumber, newAccountId } from '../support/ids.js';
import { Subscriber } from '../support/push-service.js';

const nowMs = 1_700_000_200_000;

/** The promises of ports/push-subscriptions.ts, for any adapter. */
export function pushSubscriptionsContract(name: string, open: () => Promise<DirectoryUnderTest>): void {
  describe(`push subscriptions: ${name}`, () => {
    const [first, second] = ['first', 'second'].map((path) => new Subscriber(`https://push.example/${path}`).subscription) as [Kept, Kept];
    let under: DirectoryUnderTest;
    let device: DeviceAddress;

    beforeEach(async () => {
      under = await open();
      device = await register(under.accounts);
    });
    afterEach(() => under.dispose());

    const kept = async (of = device) => (await under.pushSubscriptions.find([of]))[0];

    test('are found as they were given, in the order of the devices', async () => {
      const other = await register(under.accounts);
      await under.pushSubscriptions.put(device, first, nowMs);
      await under.pushSubscriptions.put(other, second, nowMs);
      const nobody = { ...device, deviceId: deviceNumber(2) };
      expect(await under.pushSubscriptions.find([other, nobody, device])).toEqual([second, undefined, first]);
      expect(await under.pushSubscriptions.find([])).toEqual([]);
    });

    test('take the place of the one before', async () => {
      await under.pushSubscriptions.put(device, first, nowMs);
      await under.pushSubscriptions.put(device, second, nowMs);
      expect(await kept()).toEqual(second);
    });

    test('go when they are removed; once more changes nothing', async () => {
      await under.pushSubscriptions.put(device, first, nowMs);
      for (let times = 0; times < 2; times += 1) {
        await under.pushSubscriptions.remove(device);
        expect(await kept()).toBeUndefined();
      }
    });

    test('that a push service does not know any more go, unless another took their place', async () => {
      await under.pushSubscriptions.put(device, second, nowMs);
      await under.pushSubscriptions.removeUnregistered(device, first);
      expect(await kept()).toEqual(second);
      await under.pushSubscriptions.removeUnregistered(device, second);
      expect(await kept()).toBeUndefined();
    });

    test('go with their device, and a device that is gone gets none', async () => {
      await under.addDevice(device.accountId, newDevice(2));
      const removed = { ...device, deviceId: deviceNumber(2) };
      await under.pushSubscriptions.put(device, first, nowMs);
      await under.pushSubscriptions.put(removed, second, nowMs);
      await under.devices.revoke(removed, deviceList(2), nowMs);
      expect([await kept(removed), await kept()]).toEqual([undefined, first]);
      const unknown = { ...device, accountId: newAccountId() };
      for (const gone of [removed, unknown]) {
        await expect(under.pushSubscriptions.put(gone, second, nowMs)).rejects.toMatchObject({ code: 'not_found' });
        expect(await kept(gone)).toBeUndefined();
      }
    });
  });
}

type Kept = Subscriber['subscription'];
