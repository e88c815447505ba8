import { randomBytes } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { ChannelChange } from '../../core/channel-rules.js';
import type { ConversationId, DeviceAddress } from '../../protocol/ids.js';
import { register, type DirectoryUnderTest } from '../support/directory-fixtures.js';
import { newAccountId, newChannelId, newConversationId } from '../support/ids.js';

const nowMs = 1_700_000_100_000;

/** The promises of ports/channels.ts, for any adapter. */
export function channelsContract(name: string, open: () => Promise<DirectoryUnderTest>): void {
  describe(`channels: ${name}`, () => {
    let under: DirectoryUnderTest;
    let [ann, bea, cleo] = [] as unknown as readonly [DeviceAddress, DeviceAddress, DeviceAddress];
    let conversationId: ConversationId;
    const [title, keyring] = [Buffer.from('sealed'), Buffer.from('ring')];

    beforeEach(async () => {
      under = await open();
      [ann, bea, cleo] = [await register(under.accounts), await register(under.accounts), await register(under.accounts)];
      conversationId = newChannelId();
    });
    afterEach(() => under.dispose());

    const found = (by = ann) => under.channels.create({ conversationId, title, keyring }, by, nowMs);
    const change = (by: DeviceAddress, wanted: ChannelChange) => under.channels.change(conversationId, by, wanted, nowMs);
    const events = async () => (await under.groups.untold({ conversationId })).map(({ event, recipients }) => ({ ...event, recipients }));
    const invited = async () => {
      const hash = randomBytes(32);
      await under.channels.setInvite(conversationId, ann.accountId, { hash, expiresAtMs: nowMs + 1_000 });
      return hash;
    };
    const foundWith = async (...others: DeviceAddress[]) => {
      await found();
      const hash = await invited();
      for (const { accountId } of others) await under.channels.join(hash, accountId, nowMs);
    };

    test('makes a channel once under the id of the device, tells that it was made to nobody in particular, and refuses the id to others', async () => {
      expect([await found(), await found()]).toEqual([true, false]);
      await expect(found(bea)).rejects.toMatchObject({ code: 'conflict', detail: { field: 'conversationId' } });
      expect(await under.channels.get(conversationId, ann.accountId)).toEqual({
        ...{ conversationId, createdAtMs: nowMs, title, keyring, version: 1, epoch: 1, memberCount: 1, role: 'owner' },
      });
      expect(await under.channels.get(conversationId, bea.accountId)).toBeUndefined();
      expect(await events()).toEqual([{ type: 'created', version: 1, members: [ann.accountId], title: new Uint8Array(title), recipients: [] }]);
    });

    test('lets in whoever has the invite, once each, until it ends', async () => {
      await found();
      const hash = await invited();
      expect(await under.channels.join(hash, bea.accountId, nowMs)).toBe(conversationId);
      await under.channels.join(hash, bea.accountId, nowMs);
      expect(await under.channels.get(conversationId, bea.accountId)).toMatchObject({ role: 'member', memberCount: 2, version: 1 });
      await expect(under.channels.join(hash, cleo.accountId, nowMs + 1_000)).rejects.toMatchObject({ code: 'gone' });
      await expect(under.channels.join(randomBytes(32), cleo.accountId, nowMs)).rejects.toMatchObject({ code: 'not_found' });
      await expect(under.groups.join(hash, cleo, nowMs)).rejects.toMatchObject({ code: 'not_found' });
      await under.channels.setInvite(conversationId, ann.accountId, undefined);
      await expect(under.channels.join(hash, cleo.accountId, nowMs)).rejects.toMatchObject({ code: 'not_found' });
      await expect(under.channels.setInvite(conversationId, bea.accountId, undefined)).rejects.toMatchObject({ code: 'forbidden' });
      // Nobody is told of joins.
      expect((await events()).map(({ type }) => type)).toEqual(['created']);
    });

    test('counts members as they come and go, however many do at once', async () => {
      await found();
      const hash = await invited();
      const many = await Promise.all(Array.from({ length: 12 }, () => register(under.accounts)));
      await Promise.all(many.map(({ accountId }) => under.channels.join(hash, accountId, nowMs)));
      await Promise.all(many.slice(0, 5).map((by) => change(by, { type: 'leave' })));
      await Promise.all(many.slice(5, 8).map(({ accountId }) => change(ann, { type: 'remove', account: accountId })));
      expect((await under.channels.get(conversationId, ann.accountId))?.memberCount).toBe(5);
      expect(await under.channels.roles(many[0]?.accountId ?? ann.accountId, [conversationId])).toEqual([undefined]);
    });

    test('answers roles and members by one look-up each, and pages in the order of the ids', async () => {
      await foundWith(bea, cleo);
      const [other, group] = [newChannelId(), newConversationId()];
      await under.groups.create({ conversationId: group, members: [bea.accountId] }, ann, nowMs);
      expect(await under.channels.roles(ann.accountId, [other, conversationId, group])).toEqual([undefined, 'owner', undefined]);
      const ids = [ann, bea, cleo].map(({ accountId }) => accountId).sort();
      const first = await under.channels.members(conversationId, { staffOnly: false, limit: 2 });
      const rest = await under.channels.members(conversationId, { staffOnly: false, limit: 2, after: first[1]?.accountId });
      expect([...first, ...rest].map(({ accountId }) => accountId)).toEqual(ids);
      expect(await under.channels.members(conversationId, { staffOnly: true, limit: 9 })).toEqual([{ accountId: ann.accountId, role: 'owner' }]);
      expect(await under.channels.member(conversationId, bea.accountId)).toMatchObject({ role: 'member', devices: [{ deviceId: 1 }] });
      expect(await under.channels.member(conversationId, newAccountId())).toBeUndefined();
      expect(await under.channels.member(group, bea.accountId)).toBeUndefined();
    });

    test('shows those who post as the roster, with the key that counts as its digest, and nowhere all members', async () => {
      await foundWith(bea, cleo);
      await change(ann, { type: 'set-role', account: bea.accountId, role: 'admin' });
      const roster = await under.conversations.roster(conversationId);
      expect(roster).toMatchObject({ kind: 'channel', version: 2, digest: '1' });
      expect(new Map(roster?.members.map(({ accountId, role }) => [accountId, role]))).toEqual(
        new Map([
          [ann.accountId, 'owner'],
          [bea.accountId, 'admin'],
        ]),
      );
      expect(await under.conversations.get(conversationId)).toMatchObject({ kind: 'channel', members: [] });
      expect(await under.conversations.list(cleo.accountId, { limit: 10 })).toMatchObject([{ conversationId, kind: 'channel', members: [] }]);
      expect(await under.conversations.deviceLives(conversationId, [])).toEqual([]);
    });

    test('takes the next key, the same one twice and no other, and ends the invite with it', async () => {
      await foundWith(bea);
      const hash = await invited();
      const next = { epoch: 2, keyring: Buffer.from('ring 2') };
      await expect(under.channels.renewKey(conversationId, bea.accountId, next)).rejects.toMatchObject({ code: 'forbidden' });
      await expect(under.channels.renewKey(conversationId, cleo.accountId, next)).rejects.toMatchObject({ code: 'not_a_member' });
      expect([
        await under.channels.renewKey(conversationId, ann.accountId, next),
        await under.channels.renewKey(conversationId, ann.accountId, next),
      ]).toEqual([true, false]);
      await expect(under.channels.renewKey(conversationId, ann.accountId, { ...next, keyring })).rejects.toMatchObject({ code: 'conflict' });
      await expect(under.channels.renewKey(conversationId, ann.accountId, { ...next, epoch: 4 })).rejects.toMatchObject({
        code: 'conflict',
        detail: { epoch: 2 },
      });
      await expect(under.channels.join(hash, cleo.accountId, nowMs)).rejects.toMatchObject({ code: 'not_found' });
      expect(await under.channels.get(conversationId, bea.accountId)).toMatchObject({ epoch: 2, keyring: next.keyring });
      expect((await under.conversations.roster(conversationId))?.digest).toBe('2');
    });

    test('keeps of changes what is told of them: titles, roles and a new owner', async () => {
      await foundWith(bea, cleo);
      await change(ann, { type: 'set-title', title: Buffer.from('new') });
      await change(ann, { type: 'set-role', account: cleo.accountId, role: 'admin' });
      expect(await change(ann, { type: 'set-role', account: cleo.accountId, role: 'admin' })).toBe(false);
      await change(ann, { type: 'remove', account: bea.accountId });
      await change(ann, { type: 'leave' });
      expect((await events()).map(({ type, version }) => [type, version])).toEqual([
        ['created', 1],
        ['title-changed', 2],
        ['role-changed', 3],
        ['member-left', 5],
      ]);
      expect(await under.channels.get(conversationId, cleo.accountId)).toMatchObject({ role: 'owner', title: Buffer.from('new'), memberCount: 1 });
      await change(cleo, { type: 'leave' });
      await expect(under.channels.setInvite(conversationId, cleo.accountId, undefined)).rejects.toMatchObject({ code: 'not_a_member' });
    });

    test('refuses what the rules refuse, and changes nothing', async () => {
      await foundWith(bea, cleo);
      await expect(change(bea, { type: 'set-title', title })).rejects.toMatchObject({ code: 'forbidden' });
      await expect(change(bea, { type: 'remove', account: cleo.accountId })).rejects.toMatchObject({ code: 'forbidden' });
      await expect(change(ann, { type: 'remove', account: newAccountId() })).rejects.toMatchObject({ code: 'not_found' });
      await expect(change({ ...ann, accountId: newAccountId() }, { type: 'leave' })).rejects.toMatchObject({ code: 'not_a_member' });
      await expect(under.channels.change(newChannelId(), ann, { type: 'leave' }, nowMs)).rejects.toMatchObject({ code: 'not_found' });
      expect(await under.channels.get(conversationId, ann.accountId)).toMatchObject({ version: 1, memberCount: 3 });
    });
  });
}
