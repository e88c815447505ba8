import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { DeviceAddress } from '../../protocol/ids.js';
import {
  deviceKeys,
  deviceList,
  newDevice,
  newRegistration,
  register,
  type DirectoryUnderTest,
  type Registration,
} from '../support/directory-fixtures.js';
import { deviceNumber, newAccountId } from '../support/ids.js';

const nowMs = 1_700_000_100_000;

/** The promises of `Devices` in ports/accounts.ts, for any adapter. */
export function devicesContract(name: string, open: () => Promise<DirectoryUnderTest>): void {
  describe(`devices: ${name}`, () => {
    let under: DirectoryUnderTest;
    let registration: Registration;
    let device: DeviceAddress;

    beforeEach(async () => {
      under = await open();
      registration = newRegistration(deviceKeys({ ec: 2, kem: 2 }));
      device = await register(under.accounts, registration);
    });
    afterEach(() => under.dispose());

    const peers = async (count: number) => Promise.all(Array.from({ length: count }, () => register(under.accounts)));
    const conversationWith = async ({ accountId }: DeviceAddress, of = device) =>
      (await under.conversations.ensureDirect(of.accountId, accountId, nowMs)).conversation.conversationId;

    const listOf = async (accountId: DeviceAddress['accountId']) => (await under.accounts.byId(accountId))?.devices;

    test('lists the active devices of an account, and none of one it does not know', async () => {
      const { registrationId } = registration.device;
      const { createdAtMs } = registration.account;
      expect(await listOf(device.accountId)).toEqual([{ deviceId: 1, registrationId, name: 'device 1', createdAtMs }]);
      expect(await listOf(newAccountId())).toBeUndefined();
    });

    test('knows only its own devices as active', async () => {
      const others = [
        { ...device, deviceId: deviceNumber(2) },
        { ...device, accountId: newAccountId() },
      ];
      expect(await Promise.all([device, ...others].map((of) => under.devices.isActive(of)))).toEqual([true, false, false]);
      expect(await Promise.all(others.map((of) => under.devices.secretHash(of)))).toEqual([undefined, undefined]);
    });

    test('answers each of many that ask at once for itself', async () => {
      const known = await peers(20);
      const asked = known.flatMap((of) => [of, { ...of, deviceId: deviceNumber(2) }]);
      expect(await Promise.all(asked.map((of) => under.devices.isActive(of)))).toEqual(known.flatMap(() => [true, false]));
    });

    test('remembers when a device was seen last, also when the news come out of order', async () => {
      expect(await under.devices.seen(device, nowMs + 5)).toBeUndefined();
      expect([await under.devices.seen(device, nowMs), await under.devices.seen(device, nowMs)]).toEqual([nowMs + 5, nowMs + 5]);
      expect(await listOf(device.accountId)).toMatchObject([{ lastSeenAtMs: nowMs + 5 }]);
    });

    test('forgets a revoked device, its secret and its prekeys, and stores the new list', async () => {
      await under.devices.revoke(device, deviceList(2), nowMs);
      expect(await listOf(device.accountId)).toEqual([]);
      expect([await under.devices.isActive(device), await under.devices.secretHash(device)]).toEqual([false, undefined]);
      expect(await under.prekeys.count(device)).toEqual({ ec: 0, kem: 0 });
      await expect(under.prekeys.claim(device.accountId)).rejects.toMatchObject({ code: 'not_found' });
      expect(await under.accounts.byId(device.accountId)).toMatchObject({ deviceList: { version: 2 } });
    });

    test('keeps the number of a revoked device taken', async () => {
      await under.devices.revoke(device, deviceList(2), nowMs);
      const { account, device: first, deviceList: list } = registration;
      await expect(under.accounts.create(account, first, list)).rejects.toMatchObject({ code: 'conflict' });
      expect(await under.devices.isActive(device)).toBe(false);
    });

    test('answers the conversations whose roster changed, and raises exactly their versions', async () => {
      const [one, two] = (await peers(2)) as [DeviceAddress, DeviceAddress];
      const own = [await conversationWith(one), await conversationWith(two)].sort();
      const foreign = await conversationWith(one, two);
      const before = await Promise.all(own.map((id) => under.conversations.roster(id)));
      expect([...(await under.devices.revoke(device, deviceList(2), nowMs)).conversationIds].sort()).toEqual(own);
      const after = await Promise.all([...own, foreign].map((id) => under.conversations.roster(id)));
      expect(after.map((roster) => roster?.version)).toEqual([2, 2, 1]);
      expect(after[0]?.digest).not.toBe(before[0]?.digest);
    });

    test('tells for each account when one of its active devices was last seen', async () => {
      const sibling = newDevice(2);
      await under.addDevice(device.accountId, sibling);
      const address = { ...device, deviceId: sibling.deviceId };
      const [peer] = (await peers(1)) as [DeviceAddress];
      const lastSeen = () => under.devices.lastSeen([newAccountId(), device.accountId, peer.accountId]);
      expect(await lastSeen()).toEqual([undefined, undefined, undefined]);
      await Promise.all([under.devices.seen(device, nowMs), under.devices.seen(address, nowMs + 5), under.devices.seen(device, nowMs - 5)]);
      expect(await lastSeen()).toEqual([undefined, nowMs + 5, undefined]);
      await under.devices.revoke(address, deviceList(2), nowMs);
      expect(await lastSeen()).toEqual([undefined, nowMs, undefined]);
    });

    test('refuses a device that is not active', async () => {
      await expect(under.devices.revoke({ ...device, deviceId: deviceNumber(2) }, deviceList(2), nowMs)).rejects.toMatchObject({ code: 'not_found' });
      await expect(under.devices.revoke({ ...device, accountId: newAccountId() }, deviceList(2), nowMs)).rejects.toMatchObject({ code: 'not_found' });
      await under.devices.revoke(device, deviceList(2), nowMs);
      await expect(under.devices.revoke(device, deviceList(3), nowMs)).rejects.toMatchObject({ code: 'not_found' });
    });

    test('refuses a list that is not newer than the stored one, and changes nothing', async () => {
      const [peer] = (await peers(1)) as [DeviceAddress];
      const conversationId = await conversationWith(peer);
      await expect(under.devices.revoke(device, deviceList(1), nowMs)).rejects.toMatchObject({ code: 'conflict' });
      expect([await under.devices.isActive(device), await under.prekeys.count(device)]).toEqual([true, { ec: 2, kem: 2 }]);
      expect((await under.conversations.roster(conversationId))?.version).toBe(1);
    });

    test('revokes once when it is asked several times at once', async () => {
      const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => under.devices.revoke(device, deviceList(2), nowMs)));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    test('keeps the other devices of an account as they are', async () => {
      const sibling = newDevice(2, deviceKeys({ ec: 3 }));
      await under.addDevice(device.accountId, sibling);
      await under.devices.revoke(device, deviceList(2), nowMs);
      expect(await listOf(device.accountId)).toMatchObject([{ deviceId: 2, registrationId: sibling.registrationId }]);
      expect(await under.prekeys.count({ ...device, deviceId: sibling.deviceId })).toEqual({ ec: 3, kem: 0 });
    });

    test('counts every change of a conversation when all its members revoke at once', async () => {
      const all = [device, ...(await peers(7))];
      const pairs = all.flatMap((one, index) => all.slice(index + 1).map((other) => [one, other] as const));
      const ids = await Promise.all(pairs.map(([one, other]) => conversationWith(other, one)));
      await Promise.all(all.map((of) => under.devices.revoke(of, deviceList(2), nowMs)));
      const versions = await Promise.all(ids.map(async (id) => (await under.conversations.roster(id))?.version));
      expect(versions).toEqual(Array(ids.length).fill(3));
    });
  });
}
