import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { v4, v7 } from 'uuid';

import { nothingRemoved } from '../../core/removal-plan.js';
import type { AccountId, BlobId, ConversationId, RemovalId } from '../../protocol/ids.js';
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
const manyOpen = 10_000;

/** The promises of ports/removals.ts, for any adapter. */
export function removalsContract(name: string, open: () => Promise<DirectoryUnderTest>): void {
  describe(`removals: ${name}`, () => {
    let under: DirectoryUnderTest;
    let one: Registration;
    let accountId: AccountId;
    let other: AccountId;

    beforeEach(async () => {
      under = await open();
      one = newRegistration(deviceKeys({ ec: 3, kem: 3 }));
      accountId = (await register(under.accounts, one)).accountId;
      other = (await register(under.accounts)).accountId;
    });
    afterEach(() => under.dispose());

    const device = (number: number) => ({ accountId, deviceId: deviceNumber(number) });
    const openIds = async () => (await under.removals.open(manyOpen)).map(({ removalId }) => removalId);

    test('an unlinked device is open until it is finished, once', async () => {
      await under.addDevice(accountId, newDevice(2));
      const { removalId } = await under.devices.revoke(device(2), deviceList(2), nowMs);
      const removal = { removalId, kind: 'device', begunAtMs: nowMs, devices: [device(2)] };
      expect(await under.removals.find(removalId)).toEqual({ ...removal, finished: undefined });
      expect(await under.removals.open(manyOpen)).toContainEqual({ removalId, kind: 'device' });
      const removed = { ...nothingRemoved, devices: 1 };
      await under.removals.finish(removalId, removed, nowMs + 5);
      await under.removals.finish(removalId, nothingRemoved, nowMs + 9);
      expect(await under.removals.find(removalId)).toEqual({ ...removal, finished: { atMs: nowMs + 5, removed } });
      expect(await openIds()).not.toContain(removalId);
    });

    test('an erased account is found by nobody, and its handle is free', async () => {
      await under.addDevice(accountId, newDevice(2));
      await under.devices.revoke(device(2), deviceList(2), nowMs - 5);
      const { conversation } = await under.conversations.ensureDirect(accountId, other, nowMs);
      const { removalId, devices, conversationIds } = await under.removals.eraseAccount(accountId, nowMs);
      expect([...devices].sort((a, b) => a.deviceId - b.deviceId)).toEqual([device(1), device(2)]);
      expect(conversationIds).toEqual([conversation.conversationId]);
      expect([await under.accounts.byId(accountId), await under.accounts.byHandle(one.account.handle)]).toEqual([undefined, undefined]);
      expect([await under.devices.isActive(device(1)), await under.devices.secretHash(device(1))]).toEqual([false, undefined]);
      const again = newRegistration();
      await under.accounts.create({ ...again.account, handle: one.account.handle }, again.device, again.deviceList);
      expect(await under.accounts.byHandle(one.account.handle)).toMatchObject({ accountId: again.account.accountId });
      expect(await under.removals.find(removalId)).toMatchObject({ kind: 'account', devices: [device(1), device(2)], finished: undefined });
      await under.removals.finish(removalId, nothingRemoved, nowMs + 5);
      expect(await under.removals.find(removalId)).toMatchObject({ kind: 'account', devices: [], finished: { atMs: nowMs + 5 } });
    });

    test('nothing can be done with an erased account any more, nor can it be erased again', async () => {
      await under.privacy.block(accountId, other, nowMs);
      await under.privacy.block(other, accountId, nowMs);
      await under.removals.eraseAccount(accountId, nowMs);
      const notFound = { code: 'not_found' };
      await expect(under.removals.eraseAccount(accountId, nowMs)).rejects.toMatchObject(notFound);
      await expect(under.removals.eraseAccount(newAccountId(), nowMs)).rejects.toMatchObject(notFound);
      await expect(under.prekeys.claim(accountId)).rejects.toMatchObject(notFound);
      await expect(under.conversations.ensureDirect(other, accountId, nowMs)).rejects.toMatchObject(notFound);
      const group = { conversationId: v7() as ConversationId, members: [accountId] };
      await expect(under.groups.create(group, { accountId: other, deviceId: deviceNumber(1) }, nowMs)).rejects.toMatchObject(notFound);
      await expect(under.accounts.create(one.account, one.device, one.deviceList)).rejects.toMatchObject({ code: 'conflict' });
      expect([await under.privacy.blocks(other), await under.prekeys.count(device(1))]).toEqual([[], { ec: 0, kem: 0 }]);
    });

    test('a direct conversation stays the other one’s, with nobody to send to', async () => {
      const { conversation } = await under.conversations.ensureDirect(accountId, other, nowMs);
      await under.removals.eraseAccount(accountId, nowMs);
      const roster = await under.conversations.roster(conversation.conversationId);
      expect(roster?.members.map((member) => [member.accountId, member.devices.length])).toEqual(
        [accountId, other].sort().map((of) => [of, of === accountId ? 0 : 1]),
      );
    });

    test('files of an owner end at once, up to the limit', async () => {
      const times = { createdAtMs: nowMs, notBeforeMs: nowMs + 10, dueAtMs: nowMs + 1_000 };
      const make = (ownerId: AccountId) => under.media.create({ blobId: v7() as BlobId, ownerId, size: 5, sha256: Buffer.alloc(32), ...times });
      for (let count = 0; count < 3; count += 1) await make(accountId);
      await make(other);
      expect(await under.media.revokeAll(accountId, nowMs + 5, 2)).toEqual({ files: 2, dueAtMs: [nowMs + 10] });
      expect(await under.media.revokeAll(accountId, nowMs + 20, 2)).toEqual({ files: 1, dueAtMs: [nowMs + 20] });
      expect(await under.media.revokeAll(accountId, nowMs + 30, 2)).toEqual({ files: 0, dueAtMs: [] });
    });

    test('those that were finished first are forgotten, up to the limit, and none that is open', async () => {
      const removalIds: RemovalId[] = [];
      for (const number of [2, 3, 4]) {
        await under.addDevice(accountId, newDevice(number));
        removalIds.push((await under.devices.revoke(device(number), deviceList(number), 1)).removalId);
      }
      const [first, second, stillOpen] = removalIds as [RemovalId, RemovalId, RemovalId];
      await under.removals.finish(second, nothingRemoved, 3);
      await under.removals.finish(first, nothingRemoved, 2);
      expect(await under.removals.forget(4, 1)).toBe(1);
      expect(await Promise.all([first, second].map((removalId) => under.removals.find(removalId)))).toEqual([undefined, expect.anything()]);
      expect(await under.removals.forget(3, 10)).toBe(0);
      expect(await under.removals.forget(4, 10)).toBe(1);
      expect(await under.removals.find(second)).toBeUndefined();
      expect(await under.removals.find(stillOpen)).toMatchObject({ finished: undefined });
    });

    test('there is no removal of another id', async () => {
      expect(await under.removals.find(v4() as RemovalId)).toBeUndefined();
    });
  });
}
