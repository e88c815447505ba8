import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { rosterDigest } from '../../core/roster.js';
import { directConversationId, type AccountId, type ConversationId } from '../../protocol/ids.js';
import { deviceList, newDevice, newRegistration, register, type DirectoryUnderTest, type Registration } from '../support/directory-fixtures.js';
import { deviceNumber, newAccountId, newConversationId } from '../support/ids.js';

const nowMs = 1_700_000_100_000;

/** The promises of ports/conversations.ts, for any adapter. */
export function conversationsContract(name: string, open: () => Promise<DirectoryUnderTest>): void {
  describe(`conversations: ${name}`, () => {
    let under: DirectoryUnderTest;
    let one: Registration;
    let other: Registration;

    beforeEach(async () => {
      under = await open();
      [one, other] = [newRegistration(), newRegistration()];
      await register(under.accounts, one);
      await register(under.accounts, other);
    });
    afterEach(() => under.dispose());

    const idOf = ({ account }: Registration): AccountId => account.accountId;
    const ensure = (from = one, to = other, atMs = nowMs) => under.conversations.ensureDirect(idOf(from), idOf(to), atMs);

    test('makes the direct conversation of two accounts under the id that both compute', async () => {
      const { conversation, created, opened } = await ensure();
      const conversationId = directConversationId(idOf(one), idOf(other));
      const members = [idOf(one), idOf(other)].sort();
      expect([conversation, created, opened]).toEqual([{ conversationId, kind: 'direct', createdAtMs: nowMs, members }, true, true]);
      expect(await under.conversations.get(conversationId)).toEqual(conversation);
    });

    test('answers the same conversation ever after, whoever asks, and knows which of the two opened it', async () => {
      const { conversation } = await ensure();
      const openers = async () => {
        const members = (await under.conversations.roster(conversation.conversationId))?.members ?? [];
        return members.filter(({ opened }) => opened).map(({ accountId }) => accountId);
      };
      expect(await openers()).toEqual([idOf(one)]);
      expect(await ensure(other, one, nowMs + 60_000)).toEqual({ conversation, created: false, opened: true });
      expect(await ensure(other, one, nowMs + 60_000)).toEqual({ conversation, created: false, opened: false });
      expect(await openers()).toEqual([idOf(one), idOf(other)].sort());
    });

    test('makes it once when both sides ask many times at once', async () => {
      const asks = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? ensure(one, other) : ensure(other, one)));
      const answers = await Promise.all(asks);
      expect(answers.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(answers.map(({ conversation }) => JSON.stringify(conversation))).size).toBe(1);
      expect((await under.conversations.roster(directConversationId(idOf(one), idOf(other))))?.members).toHaveLength(2);
    });

    test('refuses an account that does not exist, on either side, and makes nothing', async () => {
      const nobody = newAccountId();
      const refused = { code: 'not_found' };
      await expect(under.conversations.ensureDirect(idOf(one), nobody, nowMs)).rejects.toMatchObject(refused);
      await expect(under.conversations.ensureDirect(nobody, idOf(one), nowMs)).rejects.toMatchObject(refused);
      expect(await under.conversations.get(directConversationId(idOf(one), nobody))).toBeUndefined();
    });

    test('answers nothing for a conversation that it does not know', async () => {
      const unknown = newConversationId();
      expect([await under.conversations.get(unknown), await under.conversations.roster(unknown)]).toEqual([undefined, undefined]);
    });

    test('gives the roster with members and devices in order, its version and its digest', async () => {
      const { conversation } = await ensure();
      const [tenth, second] = [newDevice(10), newDevice(2)];
      await under.addDevice(idOf(one), tenth);
      await under.addDevice(idOf(one), second);
      const roster = await under.conversations.roster(conversation.conversationId);
      const members = [one, other]
        .map((member) => ({
          accountId: idOf(member),
          ...{ role: 'member' as const, lastSeen: 'everyone' as const, readReceipts: true, blocks: false, opened: member === one },
          devices: [member.device, ...(member === one ? [second, tenth] : [])].map(({ deviceId, registrationId }) => ({ deviceId, registrationId })),
        }))
        .sort((a, b) => (a.accountId < b.accountId ? -1 : 1));
      expect(roster).toEqual({ conversationId: conversation.conversationId, kind: 'direct', version: 1, members, digest: rosterDigest(members) });
    });

    test('keeps a member whose last device was revoked, without devices', async () => {
      const { conversation } = await ensure();
      await under.devices.revoke({ accountId: idOf(other), deviceId: deviceNumber(1) }, deviceList(2), nowMs);
      const roster = await under.conversations.roster(conversation.conversationId);
      expect(roster?.version).toBe(2);
      expect(roster?.members.find(({ accountId }) => accountId === idOf(other))?.devices).toEqual([]);
      expect(roster?.members.find(({ accountId }) => accountId === idOf(one))?.devices).toHaveLength(1);
    });

    test('tells the lives of all devices of its members and of others, with those that were revoked', async () => {
      const { conversation } = await ensure();
      const outsider = await registered();
      await registered();
      await under.addDevice(idOf(one), newDevice(2));
      await under.devices.revoke({ accountId: idOf(one), deviceId: deviceNumber(1) }, deviceList(2), nowMs + 5);
      const lives = (others: readonly AccountId[]) => under.conversations.deviceLives(conversation.conversationId, others);
      const life = (of: Registration, number: number, more: object) => ({
        ...{ device: { accountId: idOf(of), deviceId: deviceNumber(number) }, createdAtMs: of.account.createdAtMs, joinedAtMs: nowMs, ...more },
      });
      const ofMembers = [life(one, 1, { revokedAtMs: nowMs + 5 }), life(one, 2, { createdAtMs: 0 }), life(other, 1, {})];
      const ofOutsider = { device: { accountId: idOf(outsider), deviceId: deviceNumber(1) }, createdAtMs: outsider.account.createdAtMs };
      const inOrder = (all: readonly { readonly device: { readonly accountId: AccountId } }[]) =>
        [...all].sort((a, b) => (a.device.accountId < b.device.accountId ? -1 : a.device.accountId > b.device.accountId ? 1 : 0));
      expect(await lives([])).toEqual(inOrder(ofMembers));
      expect(await lives([idOf(outsider), idOf(one)])).toEqual(inOrder([...ofMembers, ofOutsider]));
    });

    test('tells the versions of many at once, of those that there are', async () => {
      const { conversation } = await under.conversations.ensureDirect(idOf(one), idOf(other), nowMs);
      const { conversationId } = conversation;
      const roster = await under.conversations.roster(conversationId);
      expect(await under.conversations.versions([conversationId, newConversationId()])).toEqual(new Map([[conversationId, roster?.version]]));
      expect(await under.conversations.versions([])).toEqual(new Map());
    });

    test('pages through the conversations of an account in the order of their ids', async () => {
      const made: ConversationId[] = [];
      for (let count = 0; count < 5; count += 1) {
        const peer = newRegistration();
        await register(under.accounts, peer);
        made.push((await ensure(one, peer)).conversation.conversationId);
      }
      await ensure(other, await registered());
      const pages: ConversationId[][] = [];
      let after: ConversationId | undefined;
      do {
        const page = await under.conversations.list(idOf(one), { after, limit: 2 });
        pages.push(page.map(({ conversationId }) => conversationId));
        after = page.at(-1)?.conversationId;
      } while (after !== undefined);
      expect(pages.map(({ length }) => length)).toEqual([2, 2, 1, 0]);
      expect(pages.flat()).toEqual([...made].sort());
    });

    test('shows all members in a list, not only the one who asks', async () => {
      const { conversation } = await ensure();
      expect(await under.conversations.list(idOf(other), { limit: 10 })).toEqual([conversation]);
    });

    async function registered(): Promise<Registration> {
      const registration = newRegistration();
      await register(under.accounts, registration);
      return registration;
    }
  });
}
