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
    const answered = async (by = first) => {
      const link = await opened();
      await under.deviceLinks.answer(link.linkId, by, Buffer.from('box'), nowMs);
      return link;
    };
    const deviceOf = ({ secretHash }: DeviceLink, number: number): NewDevice => ({ ...newDevice(number, deviceKeys({ ec: 3, kem: 2 })), secretHash });
    const finish = ({ linkId }: DeviceLink, device: NewDevice, version: number, { atMs = nowMs, wantsHistory = false } = {}) =>
      under.deviceLinks.finish(linkId, { device, deviceList: deviceList(version), wantsHistory }, atMs);
    const linked = async (number: number, version: number, wantsHistory = false) => {
      const link = await answered();
      const device = deviceOf(link, number);
      return { link, device, result: await finish(link, device, version, { wantsHistory }) };
    };

    test('have no answer before somebody gave one, and then that one, with the account and the next number', async () => {
      const link = await opened();
      expect(await under.deviceLinks.answerOf(link, nowMs)).toBeUndefined();
      await under.deviceLinks.answer(link.linkId, first, Buffer.from('box'), nowMs);
      await under.deviceLinks.answer(link.linkId, first, Buffer.from('another box'), nowMs);
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
      const again = await finish(link, device, 3, { atMs: nowMs + 5 });
      expect(again).toMatchObject({ deviceId: 2, created: false, createdAtMs: result.createdAtMs, conversationIds: [] });
      expect((await under.accounts.byId(first.accountId))?.devices).toHaveLength(2);
    });

    test('are not there for another secret, without having been opened, or when their time is over', async () => {
      const link = await answered();
      const missing = { code: 'not_found' };
      const device = deviceOf(link, 2);
      await expect(under.deviceLinks.answerOf({ ...link, secretHash: randomBytes(32) }, nowMs)).rejects.toMatchObject(missing);
      await expect(finish(link, newDevice(2), 2)).rejects.toMatchObject(missing);
      await expect(under.deviceLinks.answerOf(newLink(), nowMs)).rejects.toMatchObject(missing);
      await expect(under.deviceLinks.answer(newLink().linkId, first, Buffer.from('box'), nowMs)).rejects.toMatchObject(missing);
      await expect(under.deviceLinks.answerOf(link, link.expiresAtMs)).rejects.toMatchObject(missing);
      await expect(under.deviceLinks.answer(link.linkId, first, Buffer.from('box'), link.expiresAtMs)).rejects.toMatchObject(missing);
      await expect(finish(link, device, 2, { atMs: link.expiresAtMs })).rejects.toMatchObject(missing);
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
      await expect(under.deviceLinks.answer(link.linkId, stranger, Buffer.from('x'), nowMs)).rejects.toMatchObject({ code: 'conflict' });
      await expect(
        under.deviceLinks.answer((await opened()).linkId, { ...first, accountId: newAccountId() }, Buffer.from('x'), nowMs),
      ).rejects.toBeDefined();
      expect(await under.deviceLinks.answerOf(link, nowMs)).toMatchObject({ account: { accountId: first.accountId } });
    });

    test('finish only after an answer, with the next number and a newer list, and else change nothing', async () => {
      const waiting = await opened();
      await expect(finish(waiting, deviceOf(waiting, 2), 2)).rejects.toMatchObject({ code: 'conflict' });
      const link = await answered();
      const refused = async (device: NewDevice, version: number, field: string) =>
        expect(finish(link, device, version)).rejects.toMatchObject({
          code: 'conflict',
          detail: { field },
        });
      await refused(deviceOf(link, 3), 2, 'device.deviceId');
      await refused(deviceOf(link, 1), 2, 'device.deviceId');
      await refused(deviceOf(link, 2), 1, 'deviceList.version');
      expect((await under.accounts.byId(first.accountId))?.devices).toHaveLength(1);
      expect(await finish(link, deviceOf(link, 2), 2)).toMatchObject({ created: true });
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
      const outcomes = await Promise.allSettled(links.map((link) => finish(link, deviceOf(link, 2), 2)));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await linkedIds()).toEqual([1, 2]);
    });

    test('tell how far they are: answered, joined, and then what the two devices say of the history', async () => {
      const stageOf = async ({ linkId }: DeviceLink, atMs = nowMs) => (await under.deviceLinks.progress(linkId, atMs))?.stage;
      expect(await stageOf(await opened())).toBeUndefined();
      const unfinished = await answered();
      expect(await under.deviceLinks.progress(unfinished.linkId, nowMs)).toEqual({
        ...{ stage: 'answered', answeredBy: first, deviceId: undefined },
        expiresAtMs: unfinished.expiresAtMs,
      });
      expect(await stageOf(unfinished, unfinished.expiresAtMs)).toBe('over');
      const content = await linked(2, 2);
      expect(await stageOf(content.link)).toBe('done');
      const { link } = await linked(3, 3, true);
      const later = link.expiresAtMs + lifetimeMs;
      expect(await under.deviceLinks.progress(link.linkId, later)).toMatchObject({ stage: 'joined', deviceId: 3 });
      const third = { ...first, deviceId: (await linkedIds())[2] ?? first.deviceId };
      const stages: unknown[] = [];
      for (const [by, step] of [
        [first, 'offered'],
        [first, 'nothing'],
        [third, 'taken'],
        [first, 'offered'],
      ] as const) {
        await under.deviceLinks.tell(link.linkId, by, step);
        stages.push(await stageOf(link, later));
      }
      expect(stages).toEqual(['offered', 'offered', 'done', 'done']);
    });

    test('are told about by the two devices alone, and are over with the new one', async () => {
      const missing = { code: 'not_found' };
      const stranger = await register(under.accounts, registration());
      await linked(2, 2);
      const { link } = await linked(3, 3, true);
      const [, second, third] = (await linkedIds()).map((deviceId) => ({ ...first, deviceId }));
      for (const by of [stranger, second ?? first]) await expect(under.deviceLinks.tell(link.linkId, by, 'taken')).rejects.toMatchObject(missing);
      await expect(under.deviceLinks.tell((await answered()).linkId, second ?? first, 'offered')).rejects.toMatchObject(missing);
      await under.devices.revoke(third ?? first, deviceList(4), nowMs);
      expect(await under.deviceLinks.progress(link.linkId, nowMs)).toMatchObject({ stage: 'over' });
    });

    test('are taken back by their account until somebody has joined', async () => {
      const stranger = await register(under.accounts, registration());
      const link = await answered();
      await expect(under.deviceLinks.cancel(link.linkId, stranger.accountId, nowMs)).rejects.toMatchObject({ code: 'not_found' });
      await under.deviceLinks.cancel(link.linkId, first.accountId, nowMs);
      await expect(under.deviceLinks.answerOf(link, nowMs)).rejects.toMatchObject({ code: 'not_found' });
      await expect(finish(link, deviceOf(link, 2), 2)).rejects.toMatchObject({ code: 'not_found' });
      expect(await under.deviceLinks.progress(link.linkId, nowMs)).toMatchObject({ stage: 'over' });
      await expect(under.deviceLinks.open(link, nowMs)).rejects.toMatchObject({ code: 'conflict' });
      const joined = await linked(2, 2);
      await expect(under.deviceLinks.cancel(joined.link.linkId, first.accountId, nowMs)).rejects.toMatchObject({ code: 'conflict' });
    });

    test('are found while nobody follows them, until they are closed, and forgotten after that', async () => {
      const mine = async (sinceMs = 0) =>
        (await under.deviceLinks.unfollowed(sinceMs, 1_000)).filter(({ accountId }) => accountId === first.accountId);
      await opened();
      const link = await answered();
      expect(await mine()).toEqual([{ linkId: link.linkId, accountId: first.accountId }]);
      // Whoever opens another one leaves it alone, though its time is over.
      await under.deviceLinks.open({ ...newLink(), expiresAtMs: nowMs + 3 * lifetimeMs }, nowMs + 2 * lifetimeMs);
      expect(await mine()).toHaveLength(1);
      expect(await under.deviceLinks.follow(link.linkId, nowMs)).toEqual(await under.deviceLinks.progress(link.linkId, nowMs));
      expect([await mine(nowMs), (await mine(nowMs + 1)).length]).toEqual([[], 1]);
      await under.deviceLinks.close(link.linkId, nowMs);
      await under.deviceLinks.close(link.linkId, nowMs + 1);
      expect(await mine(nowMs + 1)).toEqual([]);
      await expect(under.deviceLinks.answerOf(link, nowMs)).rejects.toMatchObject({ code: 'not_found' });
      expect(await under.deviceLinks.forget(nowMs, 10)).toBe(0);
      expect(await under.deviceLinks.forget(nowMs + 1, 10)).toBe(1);
      expect(await under.deviceLinks.progress(link.linkId, nowMs)).toBeUndefined();
    });

    async function linkedIds() {
      return (await under.accounts.byId(first.accountId))?.devices.map(({ deviceId }) => deviceId) ?? [];
    }
  });
}
