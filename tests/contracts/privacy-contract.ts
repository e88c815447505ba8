import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { AccountId } from '../../protocol/ids.js';
import { register, type DirectoryUnderTest } from '../support/directory-fixtures.js';
import { newAccountId } from '../support/ids.js';

const nowMs = 1_700_000_100_000;

/** The promises of ports/privacy.ts, for any adapter. */
export function privacyContract(name: string, open: () => Promise<DirectoryUnderTest>): void {
  describe(`privacy: ${name}`, () => {
    let under: DirectoryUnderTest;
    let one: AccountId;
    let other: AccountId;

    beforeEach(async () => {
      under = await open();
      one = (await register(under.accounts)).accountId;
      other = (await register(under.accounts)).accountId;
    });
    afterEach(() => under.dispose());

    const direct = async (peer = other) => (await under.conversations.ensureDirect(one, peer, nowMs)).conversation.conversationId;
    const memberOf = async (accountId: AccountId) =>
      (await under.conversations.roster(await direct()))?.members.find((member) => member.accountId === accountId);

    test('shows everything at first, keeps what is set, and names the conversations whose rosters change', async () => {
      const conversations = [await direct(), await direct((await register(under.accounts)).accountId)].sort();
      expect(await under.privacy.settings(one)).toEqual({ lastSeen: 'everyone', readReceipts: true });
      expect([...(await under.privacy.change(one, { lastSeen: 'nobody', readReceipts: true }))].sort()).toEqual(conversations);
      expect([...(await under.privacy.change(one, { lastSeen: 'contacts', readReceipts: false }))].sort()).toEqual(conversations);
      expect(await under.privacy.change(one, { lastSeen: 'contacts', readReceipts: false })).toEqual([]);
      expect(await under.privacy.settings(one)).toEqual({ lastSeen: 'contacts', readReceipts: false });
      expect(await under.privacy.settings(other)).toEqual({ lastSeen: 'everyone', readReceipts: true });
      expect([await memberOf(one), await memberOf(other)]).toMatchObject([
        { lastSeen: 'contacts', readReceipts: false },
        { lastSeen: 'everyone', readReceipts: true },
      ]);
      await expect(under.privacy.settings(newAccountId())).rejects.toMatchObject({ code: 'not_found' });
    });

    test('blocks once, in one direction, and says so in the roster of the direct conversation alone', async () => {
      expect(await under.privacy.block(one, other, nowMs)).toBe(true);
      expect(await under.privacy.block(one, other, nowMs + 1)).toBe(false);
      expect(await under.privacy.blocks(one)).toEqual([{ accountId: other, blockedAtMs: nowMs }]);
      expect(await under.privacy.blocks(other)).toEqual([]);
      expect([(await memberOf(one))?.blocks, (await memberOf(other))?.blocks]).toEqual([true, false]);
      const group = { conversationId: newAccountId() as string as never, members: [other] };
      await under.groups.create(group, { accountId: one, deviceId: 1 as never }, nowMs);
      const inGroup = await under.conversations.roster(group.conversationId);
      expect(inGroup?.members.map(({ blocks }) => blocks)).toEqual([false, false]);
      expect([await under.privacy.unblock(one, other), await under.privacy.unblock(one, other)]).toEqual([true, false]);
      expect([(await memberOf(one))?.blocks, await under.privacy.blocks(one)]).toEqual([false, []]);
    });

    test.each([
      ['everyone', 'everyone', { strangers: true, begun: true, contacts: true }],
      ['everyone', 'contacts', { strangers: false, begun: false, contacts: true }],
      ['contacts', 'everyone', { strangers: false, begun: true, contacts: true }],
      ['contacts', 'contacts', { strangers: false, begun: false, contacts: true }],
      ['everyone', 'nobody', { strangers: false, begun: false, contacts: false }],
      ['contacts', 'nobody', { strangers: false, begun: false, contacts: false }],
      ['nobody', 'nobody', { strangers: false, begun: false, contacts: false }],
    ] as const)(
      'lets two who show themselves to %s and to %s see each other, or neither the other: %j as the first one, then the other one opens their conversation',
      async (first, second, { strangers, begun, contacts }) => {
        const nobody = newAccountId();
        await under.privacy.change(one, { lastSeen: first, readReceipts: true });
        await under.privacy.change(other, { lastSeen: second, readReceipts: true });
        const viewings = [
          { viewer: one, accountId: other },
          { viewer: one, accountId: nobody },
          { viewer: other, accountId: one },
          { viewer: nobody, accountId: one },
          { viewer: one, accountId: one },
        ];
        expect(await under.privacy.mayView(viewings)).toEqual([strangers, false, strangers, false, true]);
        await direct();
        expect(await under.privacy.mayView(viewings)).toEqual([begun, false, begun, false, true]);
        await under.conversations.ensureDirect(other, one, nowMs);
        expect(await under.privacy.mayView(viewings)).toEqual([contacts, false, contacts, false, true]);
        await under.privacy.block(other, one, nowMs);
        expect(await under.privacy.mayView(viewings)).toEqual([false, false, false, false, true]);
      },
    );

    test('takes no block of an account that is not there, and blocks of both by each other at once', async () => {
      await expect(under.privacy.block(one, newAccountId(), nowMs)).rejects.toMatchObject({ code: 'not_found' });
      const both = Array.from({ length: 10 }, () => [under.privacy.block(one, other, nowMs), under.privacy.block(other, one, nowMs)]).flat();
      expect((await Promise.all(both)).filter((changed) => changed)).toHaveLength(2);
      expect([(await memberOf(one))?.blocks, (await memberOf(other))?.blocks]).toEqual([true, true]);
    });
  });
}
