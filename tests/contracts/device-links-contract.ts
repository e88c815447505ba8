import { randomBytes, randomUUID } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { NewDevice } from '../../ports/accounts.js';
import type { DeviceLink } from '../../ports/device-links.js';
import type { DeviceAddress, LinkId } from '../../protocol/ids.js';
import { deviceKeys, deviceList, newDevice, newRegistration, register, type DirectoryUnderTest } from '../support/directory-fixtures.js';
import { newAccountId } from '../support/ids.js';

const nowMs = 1_700_000_100_000;
const lifetimeMs = 600_000;

/** The promises of `DeviceLinks` in ports/device-links.ts, for any adapter. */
export function deviceLinksContract(name: string, open: () => Promise<DirectoryUnderTest>): void {
  describe(`device links: ${name}`, () => {
    let under: DirectoryUnderTest;
    let first: DeviceAddress;
    const registration = () => newRegistration(deviceKeys({ ec: 1, kem: 1 }));

    beforeEach(async () => {
      under = await open();
      first = await register(under.accounts, registration());
    });
    afterEach(() => under.dispose());

    const newLink = (): DeviceLink => ({ linkId: randomUUID() as LinkId, secretHash: randomBytes(32), expiresAtMs: nowMs + lifetimeMs });
    const opened = async () => {
      const link = newLink();
      await under.deviceLinks.open(link, nowMs);
      return link;
    };
    const answered = async (accountId = first.accountId) => {
      const link = await opened();
      await under.deviceLinks.answer(link.linkId, accountId, Buffer.from('box'), nowMs);
      return link;
    };
    const deviceOf = ({ secretHash }: DeviceLink, number: number): NewDevice => ({ ...newDevice(number, deviceKeys({ ec: 3, kem: 2 })), secretHash });
    const linked = async (number: number, version: number) => {
      const link = await answered();
      const device = deviceOf(link, number);
      return { link, device, result: await under.deviceLinks.finish(link.linkId, device, deviceList(version), nowMs) };
    };

    test('have no answer before somebody gave one, and then that one, with the account and the next number', async () => {
      const link = await opened();
      expect(await under.deviceLinks.answerOf(link, nowMs)).toBeUndefined();
      await under.deviceLinks.answer(link.linkId, first.accountId, Buffer.from('box'), nowMs);
      await under.deviceLinks.answer(link.linkId, first.accountId, Buffer.from('another box'), nowMs);
      const answer = await under.deviceLinks.answerOf(link, nowMs);
      expect(Buffer.from(answer?.sealed ?? []).toString()).toBe('another box');
      expect(answer).toMatchObject({ account: { accountId: first.accountId, devices: [{ deviceId: 1 }] }, deviceId: 2 });
    });

    test('make a device of the account that can be written to, and change the roster of its conversations', async () => {
      const peer = await register(under.accounts, registration());
      const { conversation } = await under.conversations.ensureDirect(first.accountId, peer.accountId, nowMs);
      const { device, result } = await linked(2, 2);
      expect(result).toMatchObject({
        deviceId: 2,
        created: true,
        conversationIds: [conversation.conversationId],
        account: { accountId: first.accountId },
      });
      const address = { ...first, deviceId: device.deviceId };
      expect(await under.devices.isActive(address)).toBe(true);
      expect(await under.prekeys.count(address)).toEqual({ ec: 3, kem: 2 });
      expect(await under.accounts.byId(first.accountId)).toMatchObject({ deviceList: { version: 2 }, devices: [{ deviceId: 1 }, { deviceId: 2 }] });
      expect(await under.conversations.roster(conversation.conversationId)).toMatchObject({ version: 2 });
    });

    test('give the first answer again to a device whose answer was lost', async () => {
      const { link, device, result } = await linked(2, 2);
      expect(await under.deviceLinks.answerOf(link, nowMs)).toMatchObject({ deviceId: 2 });
      const again = await under.deviceLinks.finish(link.linkId, device, deviceList(3), nowMs + 5);
      expect(again).toMatchObject({ deviceId: 2, created: false, createdAtMs: result.createdAtMs, conversationIds: [] });
      expect((await under.accounts.byId(first.accountId))?.devices).toHaveLength(2);
    });

    test('are not there for another secret, without having been opened, or when their time is over', async () => {
      const link = await answered();
      const missing = { code: 'not_found' };
      const device = deviceOf(link, 2);
      await expect(under.deviceLinks.answerOf({ ...link, secretHash: randomBytes(32) }, nowMs)).rejects.toMatchObject(missing);
      await expect(under.deviceLinks.finish(link.linkId, newDevice(2), deviceList(2), nowMs)).rejects.toMatchObject(missing);
      await expect(under.deviceLinks.answerOf(newLink(), nowMs)).rejects.toMatchObject(missing);
      await expect(under.deviceLinks.answer(newLink().linkId, first.accountId, Buffer.from('box'), nowMs)).rejects.toMatchObject(missing);
      await expect(under.deviceLinks.answerOf(link, link.expiresAtMs)).rejects.toMatchObject(missing);
      await expect(under.deviceLinks.answer(link.linkId, first.accountId, Buffer.from('box'), link.expiresAtMs)).rejects.toMatchObject(missing);
      await expect(under.deviceLinks.finish(link.linkId, device, deviceList(2), link.expiresAtMs)).rejects.toMatchObject(missing);
      expect((await under.accounts.byId(first.accountId))?.devices).toHaveLength(1);
    });

    test('are opened again by the same secret, and by no other; what has expired makes room', async () => {
      const link = await opened();
      await under.deviceLinks.open(link, nowMs);
      const other = { ...link, secretHash: randomBytes(32) };
      await expect(under.deviceLinks.open(other, nowMs)).rejects.toMatchObject({ code: 'conflict', detail: { field: 'linkId' } });
      await under.deviceLinks.open({ ...other, expiresAtMs: link.expiresAtMs + lifetimeMs }, link.expiresAtMs);
      expect(await under.deviceLinks.answerOf(other, link.expiresAtMs)).toBeUndefined();
    });

    test('belong to the account that answered first', async () => {
      const stranger = await register(under.accounts, registration());
      const link = await answered();
      await expect(under.deviceLinks.answer(link.linkId, stranger.accountId, Buffer.from('x'), nowMs)).rejects.toMatchObject({ code: 'conflict' });
      await expect(under.deviceLinks.answer((await opened()).linkId, newAccountId(), Buffer.from('x'), nowMs)).rejects.toBeDefined();
      expect(await under.deviceLinks.answerOf(link, nowMs)).toMatchObject({ account: { accountId: first.accountId } });
    });

    test('finish only after an answer, with the next number and a newer list, and else change nothing', async () => {
      const waiting = await opened();
      await expect(under.deviceLinks.finish(waiting.linkId, deviceOf(waiting, 2), deviceList(2), nowMs)).rejects.toMatchObject({ code: 'conflict' });
      const link = await answered();
      const refused = async (device: NewDevice, version: number, field: string) =>
        expect(under.deviceLinks.finish(link.linkId, device, deviceList(version), nowMs)).rejects.toMatchObject({
          code: 'conflict',
          detail: { field },
        });
      await refused(deviceOf(link, 3), 2, 'device.deviceId');
      await refused(deviceOf(link, 1), 2, 'device.deviceId');
      await refused(deviceOf(link, 2), 1, 'deviceList.version');
      expect((await under.accounts.byId(first.accountId))?.devices).toHaveLength(1);
      expect(await under.deviceLinks.finish(link.linkId, deviceOf(link, 2), deviceList(2), nowMs)).toMatchObject({ created: true });
    });

    test('give five devices and no more, and a number never twice', async () => {
      for (let number = 2; number <= 5; number += 1) await linked(number, number);
      const full = { code: 'conflict', detail: { field: 'devices', limit: 5 } };
      await expect(answered()).rejects.toMatchObject(full);
      await under.devices.revoke({ ...first, deviceId: (await linkedIds())[4] ?? first.deviceId }, deviceList(6), nowMs);
      await linked(6, 7);
      expect(await linkedIds()).toEqual([1, 2, 3, 4, 6]);
    });

    test('let one of several that finish at once have a number', async () => {
      const links = await Promise.all(Array.from({ length: 4 }, () => answered()));
      const outcomes = await Promise.allSettled(links.map((link) => under.deviceLinks.finish(link.linkId, deviceOf(link, 2), deviceList(2), nowMs)));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await linkedIds()).toEqual([1, 2]);
    });

    async function linkedIds() {
      return (await under.accounts.byId(first.accountId))?.devices.map(({ deviceId }) => deviceId) ?? [];
    }
  });
}
