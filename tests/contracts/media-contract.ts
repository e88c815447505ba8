import { randomBytes } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { NewMedia } from '../../ports/media.js';
import type { AccountId, BlobId, DeviceAddress } from '../../protocol/ids.js';
import { deviceList, newDevice, register, type DirectoryUnderTest } from '../support/directory-fixtures.js';
import { deviceNumber, newAccountId, newBlobId, newChannelId } from '../support/ids.js';

const nowMs = 1_700_000_000_000;
const hourMs = 3_600_000;
const limitMs = nowMs + 30 * 24 * hourMs;
const all = { afterMs: 0, untilMs: limitMs * 2 };

/** The promises of ports/media.ts, for any adapter. */
export function mediaContract(name: string, open: () => Promise<DirectoryUnderTest>): void {
  describe(`media: ${name}`, () => {
    let under: DirectoryUnderTest;
    let alice: DeviceAddress;
    let bob: DeviceAddress;
    let bobsTablet: DeviceAddress;

    beforeEach(async () => {
      under = await open();
      alice = await register(under.accounts);
      bob = await register(under.accounts);
      await under.addDevice(bob.accountId, newDevice(2));
      bobsTablet = { ...bob, deviceId: deviceNumber(2) };
    });
    afterEach(() => under.dispose());

    async function made(changes: Partial<NewMedia> = {}): Promise<BlobId> {
      const blobId = newBlobId();
      const times = { createdAtMs: nowMs, notBeforeMs: nowMs + hourMs / 2, dueAtMs: nowMs + 24 * hourMs };
      await under.media.create({ blobId, ownerId: alice.accountId, size: 1_000, sha256: randomBytes(32), ...times, ...changes });
      return blobId;
    }
    const attach = (blobIds: readonly BlobId[], recipients: readonly DeviceAddress[], dueAtMs = limitMs) =>
      under.media.attach(blobIds, { ownerId: alice.accountId, dueAtMs }, { recipients, channelId: undefined });
    const fetched = (blobId: BlobId, device: DeviceAddress, atMs = nowMs + hourMs) =>
      under.media.fetched(blobId, device, { nowMs: atMs, dueAtMs: atMs + hourMs });
    const ends = async (blobId: BlobId, accountId: AccountId = alice.accountId) => (await under.media.find(blobId, accountId))?.ended;

    test('is seen as it was made, by its owner alone', async () => {
      const sha256 = randomBytes(32);
      const blobId = await made({ sha256, size: 100_000_000 });
      expect(await under.media.find(blobId, alice.accountId)).toEqual({ blobId, size: 100_000_000, sha256, ended: undefined });
      expect(await under.media.find(blobId, bob.accountId)).toBeUndefined();
      expect(await under.media.find(newBlobId(), alice.accountId)).toBeUndefined();
    });

    test('is seen by the accounts of those whom a message with it is for', async () => {
      const [one, two] = [await made(), await made()];
      expect(await attach([one, two], [bob, bobsTablet])).toEqual([limitMs]);
      const stranger = await register(under.accounts);
      expect([await under.media.find(one, bob.accountId), await under.media.find(two, bob.accountId)]).toMatchObject([
        { blobId: one },
        { blobId: two },
      ]);
      expect(await under.media.find(one, stranger.accountId)).toBeUndefined();
    });

    test.each([
      ['of somebody else', async () => made({ ownerId: bob.accountId }), 'not_found'],
      ['that is not there', () => Promise.resolve(newBlobId()), 'not_found'],
      [
        'that was taken back',
        async () => {
          const blobId = await made();
          await under.media.revoke(blobId, alice.accountId, nowMs);
          return blobId;
        },
        'gone',
      ],
    ])('a file %s is not named, and nothing beside it', async (_, make, code) => {
      const good = await made();
      const bad = await make();
      await expect(attach([good, bad], [bob])).rejects.toMatchObject({ code, detail: { field: 'media.1' } });
      expect(await under.media.find(good, bob.accountId)).toBeUndefined();
    });

    test('is due when the last device that it waits for has it, after what that says; again changes nothing', async () => {
      const blobId = await made();
      await attach([blobId], [bob, bobsTablet]);
      expect(await fetched(blobId, bob)).toEqual([]);
      expect(await fetched(blobId, bob)).toEqual([]);
      expect(await fetched(blobId, bobsTablet)).toEqual([nowMs + 2 * hourMs]);
      expect(await under.media.endDue({ afterMs: 0, untilMs: nowMs + 2 * hourMs - 1 }, nowMs + 3 * hourMs, 10)).toEqual([]);
      expect(await under.media.endDue({ afterMs: 0, untilMs: nowMs + 2 * hourMs }, nowMs + 3 * hourMs, 10)).toEqual([blobId]);
      expect(await ends(blobId, bob.accountId)).toEqual({ reason: 'fetched', atMs: nowMs + 3 * hourMs });
      expect(await fetched(blobId, bob)).toEqual([]);
    });

    test('is due once also when the last two devices have it at the same time', async () => {
      for (let round = 0; round < 10; round += 1) {
        const blobId = await made();
        await attach([blobId], [bob, bobsTablet]);
        const due = await Promise.all([fetched(blobId, bob), fetched(blobId, bobsTablet)]);
        expect(due.flat()).toEqual([nowMs + 2 * hourMs]);
      }
    });

    test('waits not for a device that it was not for', async () => {
      const blobId = await made();
      await attach([blobId], [bob]);
      await expect(fetched(blobId, bobsTablet)).rejects.toMatchObject({ code: 'not_found', detail: { field: 'blobId' } });
      await expect(fetched(newBlobId(), bob)).rejects.toMatchObject({ code: 'not_found' });
    });

    test('is not due before its upload must have ended', async () => {
      const blobId = await made();
      await attach([blobId], [bob]);
      expect(await under.media.fetched(blobId, bob, { nowMs, dueAtMs: nowMs })).toEqual([nowMs + hourMs / 2]);
      const other = await made();
      expect(await under.media.revoke(other, alice.accountId, nowMs)).toEqual([nowMs + hourMs / 2]);
    });

    test('stays for those of a later message, and is never due sooner by it', async () => {
      const blobId = await made();
      await attach([blobId], [bob]);
      await fetched(blobId, bob);
      expect(await attach([blobId], [bobsTablet], limitMs - 1)).toEqual([limitMs - 1]);
      expect(await attach([blobId], [bobsTablet], limitMs)).toEqual([limitMs]);
      expect(await attach([blobId], [bobsTablet], limitMs - 2)).toEqual([limitMs]);
      expect(await fetched(blobId, bobsTablet)).toEqual([nowMs + 2 * hourMs]);
    });

    test('waits not for a device that is removed', async () => {
      const [waited, other] = [await made(), await made()];
      await attach([waited], [bob, bobsTablet]);
      await attach([other], [bob, bobsTablet]);
      await fetched(waited, bob);
      await under.devices.revoke(bobsTablet, deviceList(2), nowMs);
      expect(await under.media.deviceRemoved(bobsTablet, nowMs + 5 * hourMs)).toEqual([nowMs + 5 * hourMs]);
      expect(await fetched(other, bob)).toEqual([nowMs + 2 * hourMs]);
    });

    test('without anybody to wait for stays until its time limit', async () => {
      const blobId = await made();
      expect(await attach([blobId], [])).toEqual([limitMs]);
      expect(await under.media.endDue({ afterMs: 0, untilMs: limitMs - 1 }, limitMs, 10)).toEqual([]);
      await under.media.endDue(all, limitMs, 10);
      expect(await ends(blobId)).toEqual({ reason: 'expired', atMs: limitMs });
    });

    test('in a channel is seen by whoever is a member then, and stays until its time limit', async () => {
      const [conversationId, elsewhere] = [newChannelId(), newChannelId()];
      const invite = randomBytes(32);
      for (const channel of [conversationId, elsewhere]) {
        await under.channels.create({ conversationId: channel, title: randomBytes(10), keyring: randomBytes(10) }, alice, nowMs);
      }
      await under.channels.setInvite(conversationId, alice.accountId, { hash: invite, expiresAtMs: nowMs + hourMs });
      const blobId = await made();
      const inChannel = (channelId: typeof conversationId) =>
        under.media.attach([blobId], { ownerId: alice.accountId, dueAtMs: limitMs }, { recipients: [], channelId });
      await inChannel(conversationId);
      await inChannel(conversationId);
      await expect(inChannel(elsewhere)).rejects.toMatchObject({ code: 'conflict', detail: { field: 'media.0' } });
      expect(await under.media.find(blobId, bob.accountId)).toBeUndefined();
      await under.channels.join(invite, bob.accountId, nowMs);
      expect(await under.media.find(blobId, bob.accountId)).toMatchObject({ blobId });
      await attach([blobId], [bob]);
      expect(await fetched(blobId, bob)).toEqual([]);
    });

    test('is taken back at once by its owner alone; again changes nothing', async () => {
      const blobId = await made();
      await attach([blobId], [bob]);
      await expect(under.media.revoke(blobId, bob.accountId, nowMs)).rejects.toMatchObject({ code: 'not_found' });
      expect(await under.media.revoke(blobId, alice.accountId, nowMs + hourMs)).toEqual([nowMs + hourMs]);
      expect(await under.media.revoke(blobId, alice.accountId, nowMs + 2 * hourMs)).toEqual([]);
      expect(await ends(blobId, bob.accountId)).toEqual({ reason: 'revoked', atMs: nowMs + hourMs });
      await under.media.endDue(all, nowMs + 3 * hourMs, 10);
      expect(await ends(blobId, bob.accountId)).toEqual({ reason: 'revoked', atMs: nowMs + hourMs });
    });

    test('is due by the earliest, as many as are asked for, until it is marked deleted', async () => {
      const [late, early, later] = [await made({ dueAtMs: nowMs + 2 }), await made({ dueAtMs: nowMs + 1 }), await made({ dueAtMs: nowMs + 3 })];
      const range = { afterMs: nowMs, untilMs: nowMs + 3 };
      expect(await under.media.firstDue(range)).toBe(nowMs + 1);
      expect(await under.media.endDue(range, nowMs, 1)).toEqual([early]);
      expect(await under.media.endDue(range, nowMs, 1)).toEqual([early]);
      expect([...(await under.media.endDue(range, nowMs, 2))].sort()).toEqual([early, late].sort());
      // What has not ended is nothing that was deleted.
      expect(await under.media.markDeleted([early, late, later], nowMs)).toEqual([
        { reason: 'orphan', size: 1_000 },
        { reason: 'orphan', size: 1_000 },
      ]);
      expect(await under.media.markDeleted([early, late], nowMs)).toEqual([]);
      expect(await under.media.firstDue(range)).toBe(nowMs + 3);
      expect(await under.media.firstDue({ ...range, untilMs: nowMs + 2 })).toBeUndefined();
      expect(await under.media.endDue(range, nowMs, 10)).toEqual([later]);
    });

    test('that was deleted is forgotten after its time, with whom it was for', async () => {
      const [old, young] = [await made(), await made()];
      await attach([old], [bob]);
      await under.media.endDue(all, nowMs, 10);
      await under.media.markDeleted([old], nowMs);
      await under.media.markDeleted([young], nowMs + 1);
      expect(await under.media.forget(nowMs + 1, 10)).toBe(1);
      expect(await under.media.find(old, bob.accountId)).toBeUndefined();
      expect(await ends(young)).toMatchObject({ reason: 'orphan' });
    });

    test('of accounts that do not exist is not kept', async () => {
      await expect(made({ ownerId: newAccountId() })).rejects.toThrow();
    });
  });
}
