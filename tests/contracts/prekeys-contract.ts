import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { DevicePrekeyBundle, PrekeyBundle } from '../../ports/prekeys.js';
import type { DeviceAddress } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import { prekeyBundle } from '../../protocol/rest/prekey.js';
import {
  deviceKeys,
  deviceList,
  ecPrekey,
  kemPrekey,
  keyIds,
  newDevice,
  newRegistration,
  register,
  signedPrekey,
  type DirectoryUnderTest,
} from '../support/directory-fixtures.js';
import { deviceNumber, newAccountId } from '../support/ids.js';

/** The promises of ports/prekeys.ts, for any adapter. */
export function prekeysContract(name: string, open: () => Promise<DirectoryUnderTest>): void {
  describe(`prekeys: ${name}`, () => {
    let under: DirectoryUnderTest;

    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.dispose());

    const deviceWith = (keys: { readonly ec?: number; readonly kem?: number }) => register(under.accounts, newRegistration(deviceKeys(keys)));
    const claimOne = async ({ accountId, deviceId }: DeviceAddress): Promise<DevicePrekeyBundle> => {
      const [bundle] = (await under.prekeys.claim(accountId, deviceId)).devices;
      if (bundle === undefined) throw new Error('no bundle');
      return bundle;
    };
    const ids = (bundles: readonly DevicePrekeyBundle[]) => bundles.flatMap(({ ecPrekey: key }) => (key === undefined ? [] : [key.keyId]));
    const byNumber = (one: number, other: number) => one - other;
    const sorted = (numbers: readonly number[]) => [...numbers].sort(byNumber);

    test('hands out a bundle that carries all the protocol wants, byte for byte', async () => {
      const registration = newRegistration(deviceKeys({ ec: 1, kem: 1 }));
      const { accountId } = await register(under.accounts, registration);
      const { identityKey } = registration.account;
      const { keys, registrationId } = registration.device;
      const claimed = await under.prekeys.claim(accountId);
      const expected: PrekeyBundle = {
        accountId,
        identityKey,
        deviceList: registration.deviceList,
        listed: [{ deviceId: deviceNumber(1), registrationId }],
        devices: [
          {
            ...{ deviceId: deviceNumber(1), registrationId, signedPrekey: keys.signedPrekey, kemIsLastResort: false },
            ...(keys.ecPrekeys[0] === undefined ? {} : { ecPrekey: keys.ecPrekeys[0] }),
            kemPrekey: keys.kemPrekeys[0] ?? keys.kemLastResort,
          },
        ],
      };
      expect(claimed).toEqual(expected);
      const { kemIsLastResort, ...device } = claimed.devices[0] as DevicePrekeyBundle;
      expect(kemIsLastResort).toBe(false);
      expect(prekeyBundle.safeParse({ ...claimed, devices: [device] }).error).toBeUndefined();
    });

    test('gives the last-resort KEM key and no EC key when no one-time key is left', async () => {
      const device = await deviceWith({ ec: 1, kem: 1 });
      await claimOne(device);
      const bundle = await claimOne(device);
      expect([bundle.kemPrekey.keyId, bundle.kemIsLastResort, 'ecPrekey' in bundle]).toEqual([9_002, true, false]);
      expect((await claimOne(device)).kemPrekey.keyId).toBe(9_002);
    });

    test('claims for one device when one is named, and shows which there are', async () => {
      const device = await deviceWith({ ec: 1 });
      await under.addDevice(device.accountId, newDevice(2, deviceKeys({ ec: 1 })));
      const { devices, listed } = await under.prekeys.claim(device.accountId, device.deviceId);
      expect([devices.map(({ deviceId }) => deviceId), listed.map(({ deviceId }) => deviceId)]).toEqual([[1], [1, 2]]);
      expect(await under.prekeys.count({ ...device, deviceId: deviceNumber(2) })).toMatchObject({ ec: 1 });
    });

    test('claims for every active device when none is named', async () => {
      const device = await deviceWith({ ec: 1 });
      const sibling = newDevice(2, deviceKeys({ ec: 1, kem: 1 }));
      await under.addDevice(device.accountId, sibling);
      const { devices } = await under.prekeys.claim(device.accountId);
      expect(devices).toMatchObject([
        { deviceId: 1, kemIsLastResort: true },
        { deviceId: 2, registrationId: sibling.registrationId, kemIsLastResort: false },
      ]);
      expect(ids(devices)).toEqual([1, 1]);
    });

    test('refuses accounts and devices that do not exist', async () => {
      const device = await deviceWith({});
      const stranger = { ...device, deviceId: deviceNumber(2) };
      const refused = { code: 'not_found' };
      await expect(under.prekeys.claim(newAccountId())).rejects.toMatchObject(refused);
      await expect(under.prekeys.claim(device.accountId, stranger.deviceId)).rejects.toMatchObject(refused);
      await expect(under.prekeys.upload(stranger, { ecPrekeys: [ecPrekey(1)] })).rejects.toMatchObject(refused);
      await expect(under.prekeys.current(stranger)).rejects.toMatchObject(refused);
    });

    test('hands each one-time key out once when 500 claim 100 keys at once', async () => {
      const device = await deviceWith({ ec: 100, kem: 100 });
      const bundles = await Promise.all(Array.from({ length: 500 }, () => claimOne(device)));
      expect(sorted(ids(bundles))).toEqual(keyIds(100));
      const oneTimeKem = bundles.filter(({ kemIsLastResort }) => !kemIsLastResort).map(({ kemPrekey: key }) => key.keyId);
      expect(sorted(oneTimeKem)).toEqual(keyIds(100));
      const lastResort = bundles.filter(({ kemIsLastResort }) => kemIsLastResort).map(({ kemPrekey: key }) => key.keyId);
      expect([lastResort.length, new Set(lastResort)]).toEqual([400, new Set([9_002])]);
      expect(await under.prekeys.count(device)).toEqual({ ec: 0, kem: 0 });
    });

    describe('that become scarce', () => {
      const scarce = async ({ accountId }: DeviceAddress) =>
        (await under.prekeys.newlyScarce(accountId)).map(({ device, left }) => [device.deviceId, left]);
      const claimUntil = async (device: DeviceAddress, left: number) => {
        while ((await under.prekeys.count(device)).ec > left) await claimOne(device);
      };

      test('are told once when few are left, and once more when none is', async () => {
        const device = await deviceWith({ ec: limits.prekeysLow + 1, kem: 100 });
        await claimUntil(device, limits.prekeysLow);
        expect(await scarce(device)).toEqual([]);
        await claimUntil(device, limits.prekeysLow - 1);
        expect([await scarce(device), await scarce(device)]).toEqual([[[1, { ec: 19, kem: 98 }]], []]);
        await claimUntil(device, 1);
        expect(await scarce(device)).toEqual([]);
        await claimUntil(device, 0);
        expect([await scarce(device), await scarce(device)]).toEqual([[[1, { ec: 0, kem: 79 }]], []]);
      });

      test('are told again after an upload made them less scarce, and not after one that did not', async () => {
        const device = await deviceWith({ ec: 1, kem: 100 });
        await claimUntil(device, 0);
        expect(await scarce(device)).toEqual([[1, { ec: 0, kem: 99 }]]);
        await under.prekeys.upload(device, { kemPrekeys: [kemPrekey(500)] });
        expect(await scarce(device)).toEqual([]);
        await under.prekeys.upload(device, { ecPrekeys: [ecPrekey(500)] });
        await claimUntil(device, 0);
        expect(await scarce(device)).toEqual([[1, { ec: 0, kem: 99 }]]);
        await under.prekeys.upload(device, { ecPrekeys: keyIds(30, 600).map(ecPrekey) });
        expect(await scarce(device)).toEqual([]);
        await claimUntil(device, limits.prekeysLow - 1);
        expect(await scarce(device)).toEqual([[1, { ec: 19, kem: 88 }]]);
      });

      test('are told to one of many who ask at once while all claim', async () => {
        const device = await deviceWith({ ec: 60, kem: 60 });
        const told = await Promise.all(
          Array.from({ length: 60 }, async () => {
            await claimOne(device);
            return under.prekeys.newlyScarce(device.accountId);
          }),
        );
        const counts = told.flat().map(({ left }) => left.ec);
        expect(counts.length).toBeLessThanOrEqual(2);
        expect(Math.min(...counts)).toBe(0);
      });

      test('are told for each active device by itself', async () => {
        const device = await deviceWith({ ec: 100, kem: 100 });
        await under.addDevice(device.accountId, newDevice(2, deviceKeys({ ec: 5, kem: 100 })));
        await under.addDevice(device.accountId, newDevice(3, deviceKeys({ ec: 5, kem: 5 })));
        await under.devices.revoke({ ...device, deviceId: deviceNumber(3) }, deviceList(2), 1_700_000_000_000);
        expect(await scarce(device)).toEqual([[2, { ec: 5, kem: 100 }]]);
      });
    });

    test('takes nothing from other devices', async () => {
      const [device, other] = [await deviceWith({ ec: 3 }), await deviceWith({ ec: 3 })];
      await claimOne(device);
      expect([await under.prekeys.count(device), await under.prekeys.count(other)]).toMatchObject([{ ec: 2 }, { ec: 3 }]);
    });

    test('adds one-time keys, keeps those it has, and answers what is there', async () => {
      const device = await deviceWith({ ec: 2, kem: 1 });
      const upload = { ecPrekeys: [2, 3].map(ecPrekey), kemPrekeys: [2].map(kemPrekey) };
      expect(await under.prekeys.upload(device, upload)).toEqual({ ec: 3, kem: 2 });
      expect(await under.prekeys.upload(device, upload)).toEqual({ ec: 3, kem: 2 });
      expect(await under.prekeys.count(device)).toEqual({ ec: 3, kem: 2 });
    });

    test('replaces signed and last-resort keys, and leaves what was not given', async () => {
      const registration = newRegistration();
      const device = await register(under.accounts, registration);
      const [signed, last] = [signedPrekey(77), kemPrekey(78)];
      await under.prekeys.upload(device, { signedPrekey: signed });
      const { identityKey } = registration.account;
      expect(await under.prekeys.current(device)).toEqual({
        identityKey,
        signedPrekey: signed,
        kemLastResort: registration.device.keys.kemLastResort,
      });
      await under.prekeys.upload(device, { kemLastResort: last });
      expect(await under.prekeys.current(device)).toEqual({ identityKey, signedPrekey: signed, kemLastResort: last });
      expect(await claimOne(device)).toMatchObject({ signedPrekey: { keyId: 77 }, kemPrekey: { keyId: 78 } });
    });

    test('never hands a key out again that its device uploads again', async () => {
      const device = await deviceWith({});
      const upload = { ecPrekeys: keyIds(4).map(ecPrekey), kemPrekeys: keyIds(4).map(kemPrekey) };
      await under.prekeys.upload(device, upload);
      const before = [await claimOne(device), await claimOne(device)];
      expect(await under.prekeys.upload(device, upload)).toEqual({ ec: 2, kem: 2 });
      const after = [await claimOne(device), await claimOne(device), await claimOne(device)];
      expect(sorted(ids([...before, ...after]))).toEqual(keyIds(4));
      expect(after.map(({ kemIsLastResort }) => kemIsLastResort)).toEqual([false, false, true]);
    });

    test('remembers the keys that it handed out by their newest ids, so that it does not grow for ever', async () => {
      const device = await deviceWith({});
      for (const keyId of [1, 5_000]) {
        await under.prekeys.upload(device, { ecPrekeys: [ecPrekey(keyId)] });
        expect(await claimOne(device)).toMatchObject({ ecPrekey: { keyId } });
      }
      await under.prekeys.upload(device, {});
      expect(await under.prekeys.upload(device, { ecPrekeys: [1, 4_999, 5_000].map(ecPrekey) })).toEqual({ ec: 2, kem: 0 });
    });

    test('hands each key out once while its device uploads the same keys again and again', async () => {
      const device = await deviceWith({});
      const upload = { ecPrekeys: keyIds(100).map(ecPrekey) };
      await under.prekeys.upload(device, upload);
      const claims = async () => {
        const bundles: DevicePrekeyBundle[] = [];
        for (let count = 0; count < 40; count += 1) bundles.push(await claimOne(device));
        return bundles;
      };
      let claiming = true;
      const uploads = async () => {
        while (claiming) await under.prekeys.upload(device, upload);
      };
      const uploading = uploads();
      const bundles = await Promise.all([claims(), claims(), claims()]);
      claiming = false;
      await uploading;
      expect(sorted(ids(bundles.flat()))).toEqual(keyIds(100));
    });

    test.each([
      ['ecPrekeys', { ec: limits.maxPrekeysPerUpload }, { ecPrekeys: [ecPrekey(5_000)], signedPrekey: signedPrekey(77) }],
      ['kemPrekeys', { kem: limits.maxPrekeysPerUpload }, { kemPrekeys: [kemPrekey(5_000)], signedPrekey: signedPrekey(77) }],
    ])('refuses %s above the limit, names it, and keeps nothing of the upload', async (field, stored, upload) => {
      const device = await deviceWith(stored);
      const refusal = { code: 'too_large', detail: { field, limit: limits.maxPrekeysPerUpload } };
      await expect(under.prekeys.upload(device, upload)).rejects.toMatchObject(refusal);
      expect(await under.prekeys.count(device)).toEqual({ ec: 0, kem: 0, ...stored });
      expect((await under.prekeys.current(device)).signedPrekey.keyId).toBe(9_001);
    });

    test('keeps the limit when a device uploads several times at once', async () => {
      const device = await deviceWith({});
      const uploads = keyIds(4, 0).map((part) => under.prekeys.upload(device, { ecPrekeys: keyIds(100, 1 + part * 100).map(ecPrekey) }));
      const outcomes = await Promise.allSettled(uploads);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
      expect(await under.prekeys.count(device)).toEqual({ ec: 200, kem: 0 });
    });

    test('shows the device list that belongs to the listed devices while one of them is revoked', async () => {
      for (let round = 0; round < 20; round += 1) {
        const device = await deviceWith({});
        await under.addDevice(device.accountId, newDevice(2));
        const seen: string[] = [];
        let revoked = false;
        const claims = async () => {
          while (!revoked) {
            const { deviceList: list, listed } = await under.prekeys.claim(device.accountId);
            seen.push(`${list.version}: ${listed.map(({ deviceId }) => deviceId).join()}`);
          }
        };
        const claiming = Promise.all([claims(), claims(), claims(), claims()]);
        await under.devices.revoke(device, deviceList(2), 1_700_000_100_000);
        revoked = true;
        await claiming;
        expect([...new Set(['1: 1,2', '2: 2', ...seen])]).toEqual(['1: 1,2', '2: 2']);
      }
    });
  });
}
