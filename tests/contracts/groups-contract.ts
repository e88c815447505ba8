import { randomBytes } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { GroupChange } from '../../core/group-rules.js';
import type { ConversationId, DeviceAddress } from '../../protocol/ids.js';
import { deviceList, newDevice, register, type DirectoryUnderTest } from '../support/directory-fixtures.js';
import { deviceNumber, newAccountId, newConversationId } from '../support/ids.js';

const nowMs = 1_700_000_100_000;

/** The promises of ports/groups.ts, for any adapter. */
export function groupsContract(name: string, open: () => Promise<DirectoryUnderTest>): void {
  describe(`groups: ${name}`, () => {
    let under: DirectoryUnderTest;
    let [ann, bea, cleo] = [] as unknown as readonly [DeviceAddress, DeviceAddress, DeviceAddress];
    let conversationId: ConversationId;

    beforeEach(async () => {
      under = await open();
      [ann, bea, cleo] = [await register(under.accounts), await register(under.accounts), await register(under.accounts)];
      conversationId = newConversationId();
    });
    afterEach(() => under.dispose());

    const found = (by = ann, others = [bea]) =>
      under.groups.create({ conversationId, members: others.map(({ accountId }) => accountId), title: Buffer.from('sealed') }, by, nowMs);
    const change = (by: DeviceAddress, wanted: GroupChange) => under.groups.change(conversationId, by, wanted, nowMs);
    const members = async () => new Map((await under.conversations.roster(conversationId))?.members.map(({ accountId, role }) => [accountId, role]));
    const untold = () => under.groups.untold({ conversationId });

    test('makes a group once under the id of the device, and refuses the id to anybody else', async () => {
      expect([await found(), await found()]).toEqual([true, false]);
      expect(await members()).toEqual(
        new Map([
          [ann.accountId, 'owner'],
          [bea.accountId, 'member'],
        ]),
      );
      expect(await under.conversations.get(conversationId)).toMatchObject({ kind: 'group', createdAtMs: nowMs, title: Buffer.from('sealed') });
      await expect(found(cleo)).rejects.toMatchObject({ code: 'conflict', detail: { field: 'conversationId' } });
    });

    test('refuses accounts that do not exist, and makes or changes nothing', async () => {
      const nobody = newAccountId();
      await expect(found(ann, [bea, { accountId: nobody, deviceId: deviceNumber(1) }])).rejects.toMatchObject({ code: 'not_found' });
      expect(await under.conversations.get(conversationId)).toBeUndefined();
      await found();
      await expect(change(ann, { type: 'add', accounts: [cleo.accountId, nobody] })).rejects.toMatchObject({ code: 'not_found' });
      expect((await members()).size).toBe(2);
      await expect(under.groups.change(newConversationId(), ann, { type: 'leave' }, nowMs)).rejects.toMatchObject({ code: 'not_found' });
    });

    test('changes the roster and raises its version with each change, and not without one', async () => {
      await found();
      expect([
        await change(ann, { type: 'add', accounts: [cleo.accountId] }),
        await change(ann, { type: 'add', accounts: [cleo.accountId] }),
      ]).toEqual([true, false]);
      await change(ann, { type: 'set-role', account: bea.accountId, role: 'owner' });
      await change(bea, { type: 'remove', account: cleo.accountId });
      await change(bea, { type: 'set-title', title: Buffer.from('other') });
      expect(await members()).toEqual(
        new Map([
          [ann.accountId, 'admin'],
          [bea.accountId, 'owner'],
        ]),
      );
      expect((await under.conversations.roster(conversationId))?.version).toBe(5);
      expect((await under.conversations.get(conversationId))?.title).toEqual(Buffer.from('other'));
    });

    test('lets changes at once happen one after the other: nobody is lost', async () => {
      await found();
      const crowd = await Promise.all(Array.from({ length: 20 }, () => register(under.accounts)));
      await Promise.all(crowd.map(({ accountId }) => change(ann, { type: 'add', accounts: [accountId] })));
      expect((await members()).size).toBe(22);
      expect((await untold()).map(({ event }) => event.version)).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
    });

    test('goes on without members', async () => {
      await found(ann, []);
      await change(ann, { type: 'leave' });
      expect((await under.conversations.get(conversationId))?.members).toEqual([]);
      await expect(change(ann, { type: 'leave' })).rejects.toMatchObject({ code: 'not_a_member' });
    });

    test('keeps the event of each change, for all active devices of those who are in it and of whom it removed, until it is told', async () => {
      await under.addDevice(bea.accountId, newDevice(2));
      await under.addDevice(bea.accountId, newDevice(3));
      await under.devices.revoke({ ...bea, deviceId: deviceNumber(3) }, deviceList(2), nowMs);
      await found();
      await change(ann, { type: 'remove', account: bea.accountId });
      const events = await untold();
      const recipients = expect.arrayContaining([ann, bea, { ...bea, deviceId: deviceNumber(2) }]) as unknown as DeviceAddress[];
      expect(events).toEqual([
        { conversationId, by: ann, recipients, event: expect.objectContaining({ type: 'created', version: 1, title: Buffer.from('sealed') }) },
        { conversationId, by: ann, recipients, event: { type: 'member-removed', version: 2, member: bea.accountId } },
      ]);
      expect(events.map(({ recipients: of }) => of.length)).toEqual([3, 3]);
      await under.groups.told(events.slice(0, 1));
      expect(await untold()).toEqual(events.slice(1));
      await under.groups.told(events);
      expect(await untold()).toEqual([]);
    });

    test('changes the title of the version that was meant, or nothing', async () => {
      await found();
      const titled = (ifVersion: number) => change(ann, { type: 'set-title', title: Buffer.from(`after ${ifVersion}`), ifVersion });
      expect(await titled(1)).toBe(true);
      await expect(titled(1)).rejects.toMatchObject({ code: 'changed' });
      expect((await under.groups.untold({ conversationId })).map(({ event }) => event.version)).toEqual([1, 2]);
    });

    test('finds events that nobody told for a while, of each group from its first on', async () => {
      await found();
      await under.groups.change(conversationId, ann, { type: 'add', accounts: [cleo.accountId] }, nowMs + 5_000);
      expect(await under.groups.untold({ madeBeforeMs: nowMs, limit: 10 })).toEqual([]);
      const late = await under.groups.untold({ madeBeforeMs: nowMs + 1, limit: 10 });
      expect(late.map(({ event }) => event.version)).toEqual([1, 2]);
    });

    test('lets in whoever brings the invite, until another one is made, it is ended, or its time is over', async () => {
      await found();
      const [first, second] = [randomBytes(32), randomBytes(32)];
      const join = (hash: Uint8Array, atMs = nowMs) => under.groups.join(hash, cleo, atMs);
      await expect(join(first)).rejects.toMatchObject({ code: 'not_found' });
      await under.groups.setInvite(conversationId, ann.accountId, { hash: first, expiresAtMs: nowMs + 1_000 });
      await expect(join(first, nowMs + 1_000)).rejects.toMatchObject({ code: 'gone' });
      expect([await join(first), await join(first)]).toEqual([
        { conversationId, joined: true },
        { conversationId, joined: false },
      ]);
      await under.groups.setInvite(conversationId, ann.accountId, { hash: second, expiresAtMs: nowMs + 1_000 });
      await expect(join(first)).rejects.toMatchObject({ code: 'not_found' });
      await under.groups.setInvite(conversationId, ann.accountId, undefined);
      await expect(join(second)).rejects.toMatchObject({ code: 'not_found' });
      await expect(under.groups.setInvite(conversationId, bea.accountId, undefined)).rejects.toMatchObject({ code: 'forbidden' });
    });
  });
}
