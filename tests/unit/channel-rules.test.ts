import { describe, expect, test } from '@jest/globals';

import { changeChannel, mayKnow, renewKey, requireRoom, type ChannelChange } from '../../core/channel-rules.js';
import type { GroupMember } from '../../core/group-rules.js';
import type { MemberRole } from '../../protocol/conversation-event.js';
import type { AccountId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import { newAccountId } from '../support/ids.js';

const [owner, admin, member, other] = [newAccountId(), newAccountId(), newAccountId(), newAccountId()];
const as = (accountId: AccountId, role: MemberRole): GroupMember => ({ accountId, role, joinedAtMs: 1 });
const all = [as(owner, 'owner'), as(admin, 'admin'), as(member, 'member')];
const change = (by: AccountId, wanted: ChannelChange, staff = 2) => changeChannel({ members: all, staff }, by, wanted, 5);

describe('a channel', () => {
  test('is changed by its owner and admins, never by members and strangers', () => {
    const title: ChannelChange = { type: 'set-title', title: new Uint8Array(3) };
    expect(change(admin, title)?.event).toMatchObject({ type: 'title-changed' });
    expect(() => change(member, title)).toThrow(expect.objectContaining({ code: 'forbidden' }));
    expect(() => change(other, title)).toThrow(expect.objectContaining({ code: 'not_a_member' }));
    expect(() => change(other, { type: 'leave' })).toThrow(expect.objectContaining({ code: 'not_a_member' }));
    expect(change(admin, { type: 'remove', account: member })?.members).toEqual([all[0], all[1]]);
    expect(() => change(admin, { type: 'remove', account: owner })).toThrow(expect.objectContaining({ code: 'forbidden' }));
  });

  test('has at most 50 owner and admins, whoever is made one or gives it away', () => {
    const promote: ChannelChange = { type: 'set-role', account: member, role: 'admin' };
    expect(change(owner, promote, limits.maxChannelStaff - 1)?.members).toContainEqual(as(member, 'admin'));
    expect(() => change(owner, promote, limits.maxChannelStaff)).toThrow(
      expect.objectContaining({ code: 'too_large', detail: { field: 'role', limit: 50 } }),
    );
    expect(change(owner, { type: 'set-role', account: admin, role: 'owner' }, limits.maxChannelStaff)?.members).toContainEqual(as(owner, 'admin'));
  });

  test('has room for 100,000 members', () => {
    expect(() => requireRoom(limits.maxChannelMembers - 1)).not.toThrow();
    expect(() => requireRoom(limits.maxChannelMembers)).toThrow(expect.objectContaining({ code: 'channel_full', detail: { limit: 100_000 } }));
  });

  test('takes the key behind the present one, and the present one again without a change', () => {
    const present = { epoch: 3, keyring: Buffer.from('three') };
    const next = { epoch: 4, keyring: Buffer.from('four') };
    expect(renewKey(present, 'admin', next)).toBe(next);
    expect(renewKey(present, 'owner', { ...present })).toBeUndefined();
    for (const wrong of [
      { ...next, epoch: 5 },
      { ...next, epoch: 3 },
      { ...next, epoch: 2 },
    ]) {
      expect(() => renewKey(present, 'owner', wrong)).toThrow(expect.objectContaining({ code: 'conflict', detail: { field: 'epoch', epoch: 3 } }));
    }
    expect(() => renewKey(present, 'member', next)).toThrow(expect.objectContaining({ code: 'forbidden' }));
    expect(() => renewKey(present, undefined, next)).toThrow(expect.objectContaining({ code: 'not_a_member' }));
  });

  test('shows members the owner and the admins, and themselves', () => {
    const [asMember, asAdmin] = [
      { accountId: member, role: 'member' },
      { accountId: admin, role: 'admin' },
    ] as const;
    expect(mayKnow(asMember, asAdmin)).toBe(true);
    expect(mayKnow(asAdmin, asMember)).toBe(true);
    expect(mayKnow(asMember, asMember)).toBe(true);
    expect(mayKnow(asMember, { accountId: other, role: 'member' })).toBe(false);
  });
});
