import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { changeGroup, foundGroup, type GroupChange, type GroupMember } from '../../core/group-rules.js';
import { DomainError } from '../../protocol/errors.js';
import { limits } from '../../protocol/limits.js';
import { unknownGroup, withChange } from '../../sdk/groups/group-changes.js';
import { newAccountId } from '../support/ids.js';

const people = Array.from({ length: 6 }, newAccountId);
const [ann, bea, cleo, dora] = people as [(typeof people)[0], (typeof people)[0], (typeof people)[0], (typeof people)[0]];

const roles = (members: readonly Pick<GroupMember, 'accountId' | 'role'>[] = []): Record<number, string> =>
  Object.fromEntries(members.map(({ accountId, role }) => [people.indexOf(accountId), role]));
const refusalOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};
/** Ann owns it, Bea is an admin, Cleo and Dora are members. */
function group(): readonly GroupMember[] {
  const members = foundGroup(ann, [bea, cleo, dora], 1);
  return changeGroup(members, ann, { type: 'set-role', account: bea, role: 'admin' }, 1)?.members ?? [];
}

test('a group begins with its maker as owner, and everybody once', () => {
  expect(roles(foundGroup(ann, [bea, bea, ann], 1))).toEqual({ 0: 'owner', 1: 'member' });
});

test.each<[string, GroupChange, (typeof people)[0], string]>([
  ['a stranger does anything', { type: 'set-title', title: Buffer.from('t') }, people[4] as never, 'not_a_member'],
  ['a member adds', { type: 'add', accounts: [people[4] as never] }, cleo, 'forbidden'],
  ['a member removes', { type: 'remove', account: dora }, cleo, 'forbidden'],
  ['a member changes the title', { type: 'set-title', title: Buffer.from('t') }, cleo, 'forbidden'],
  ['a member changes a role', { type: 'set-role', account: cleo, role: 'admin' }, cleo, 'forbidden'],
  ['an admin removes the owner', { type: 'remove', account: ann }, bea, 'forbidden'],
  ['an admin takes the role of the owner', { type: 'set-role', account: ann, role: 'member' }, bea, 'conflict'],
  ['an admin makes an owner', { type: 'set-role', account: cleo, role: 'owner' }, bea, 'forbidden'],
  ['the owner steps down without an heir', { type: 'set-role', account: ann, role: 'admin' }, ann, 'conflict'],
  ['the owner removes itself', { type: 'remove', account: ann }, ann, 'conflict'],
  ['somebody who is not there is removed', { type: 'remove', account: people[5] as never }, ann, 'not_found'],
])('it is refused that %s', (_, change, by, code) => {
  expect(refusalOf(() => changeGroup(group(), by, change, 2))).toMatchObject({ code });
});

test('what is so already changes nothing', () => {
  expect(changeGroup(group(), ann, { type: 'add', accounts: [bea, cleo] }, 2)).toBeUndefined();
  expect(changeGroup(group(), ann, { type: 'set-role', account: bea, role: 'admin' }, 2)).toBeUndefined();
  expect(changeGroup(group(), cleo, { type: 'join' }, 2)).toBeUndefined();
});

test('the owner who gives the group away becomes an admin', () => {
  const changed = changeGroup(group(), ann, { type: 'set-role', account: cleo, role: 'owner' }, 2);
  expect([roles(changed?.members), changed?.event]).toEqual([
    { 0: 'admin', 1: 'admin', 2: 'owner', 3: 'member' },
    { type: 'role-changed', member: cleo, role: 'owner' },
  ]);
});

test('when the owner leaves, the admin who is there longest owns it, or else the member', () => {
  const afterAnn = changeGroup(group(), ann, { type: 'leave' }, 2);
  expect([roles(afterAnn?.members), afterAnn?.event]).toEqual([
    { 1: 'owner', 2: 'member', 3: 'member' },
    { type: 'member-left', member: ann, owner: bea },
  ]);
  const [first] = [cleo, dora].sort();
  const afterBea = changeGroup(afterAnn?.members ?? [], bea, { type: 'leave' }, 3);
  expect(afterBea?.members.find(({ role }) => role === 'owner')?.accountId).toBe(first);
});

test('a group that everybody left is over', () => {
  const last = changeGroup(foundGroup(ann, [], 1), ann, { type: 'leave' }, 2);
  expect([last?.members, last?.event]).toEqual([[], { type: 'member-left', member: ann }]);
  expect(refusalOf(() => changeGroup([], ann, { type: 'join' }, 3))).toMatchObject({ code: 'gone' });
});

test('a group is full at its limit, and the answer names it', () => {
  const crowd = Array.from({ length: limits.maxGroupMembers - 1 }, newAccountId);
  const full = foundGroup(ann, crowd, 1);
  expect(full).toHaveLength(limits.maxGroupMembers);
  const refused = { code: 'group_full', detail: { limit: limits.maxGroupMembers } };
  expect(refusalOf(() => changeGroup(full, ann, { type: 'add', accounts: [bea] }, 2))).toMatchObject(refused);
  expect(refusalOf(() => changeGroup(full, bea, { type: 'join' }, 2))).toMatchObject(refused);
  expect(refusalOf(() => foundGroup(ann, [...crowd, bea], 1))).toMatchObject(refused);
});

const person = fc.constantFrom(...people);
const anyChange: fc.Arbitrary<GroupChange> = fc.oneof(
  fc.record({ type: fc.constant('add' as const), accounts: fc.array(person, { minLength: 1, maxLength: 3 }) }),
  fc.record({ type: fc.constant('join' as const) }),
  fc.record({ type: fc.constant('remove' as const), account: person }),
  fc.record({ type: fc.constant('leave' as const) }),
  fc.record({
    type: fc.constant('set-role' as const),
    account: person,
    role: fc.constantFrom('owner' as const, 'admin' as const, 'member' as const),
  }),
);

test('whatever people do, a group with members has one owner, and the events alone tell who is in it and as what', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(person, anyChange), { maxLength: 40 }), (steps) => {
      let members = foundGroup(ann, [bea], 0);
      let told = withChange(unknownGroup, { event: { type: 'created', version: 1, members: [ann, bea] }, by: ann, position: 0 }, ann);
      steps.forEach(([by, change], index) => {
        let changed;
        try {
          changed = changeGroup(members, by, change, index);
        } catch (error) {
          if (error instanceof DomainError) return;
          throw error;
        }
        if (changed === undefined) return;
        members = changed.members;
        told = withChange(told, { event: { ...changed.event, version: told.version + 1 }, by, position: 0 }, ann);
        expect(roles(told.members)).toEqual(roles(members));
        expect(members.filter(({ role }) => role === 'owner')).toHaveLength(members.length === 0 ? 0 : 1);
      });
    }),
  );
});
