import { describe, expect, test } from '@jest/globals';

import type { ConversationEvent } from '../../protocol/conversation-event.js';
import type { AccountId } from '../../protocol/ids.js';
import { unknownGroup, wasAdmin, whereJoined, withAnswer, withChange } from '../../sdk/groups/group-changes.js';
import type { GroupRow } from '../../sdk/messages/message-tables.js';
import { newAccountId } from '../support/ids.js';

const [ann, bea, cleo] = [newAccountId(), newAccountId(), newAccountId()];

/** As a device of `ann` hears of it. */
const heard = (row: GroupRow, event: ConversationEvent, position = 1) => withChange(row, { event, by: ann, position }, ann);
const member = (accountId: AccountId, role: 'owner' | 'admin' | 'member' = 'member') => ({ accountId, role });
const answered = (row: GroupRow, ...members: readonly ReturnType<typeof member>[]) =>
  withAnswer(row, { ...unknownGroup, version: row.version, members });
const added = (version: number, ...members: AccountId[]): ConversationEvent => ({ type: 'members-added', version, members });
const left = (version: number, of: AccountId): ConversationEvent => ({ type: 'member-left', version, member: of });

describe('whether somebody was an admin when a message was sent', () => {
  const role = (of: AccountId, to: 'admin' | 'member', version: number): ConversationEvent => ({
    type: 'role-changed',
    version,
    member: of,
    role: to,
  });

  test('is known from the events before it, though the server told already what came after', () => {
    const made = heard(unknownGroup, { type: 'created', version: 1, members: [ann, bea] });
    const raised = heard(made, role(bea, 'admin', 2));
    expect([wasAdmin(made, bea), wasAdmin(raised, bea), wasAdmin(raised, ann)]).toEqual([false, true, true]);
    const ahead = { ...raised, version: 4, members: [member(ann, 'owner')] };
    expect(wasAdmin(ahead, bea)).toBe(true);
    const lowered = heard(ahead, role(bea, 'member', 3));
    expect(wasAdmin(lowered, bea)).toBe(false);
    expect(lowered.members).toEqual(ahead.members);
  });

  test('is what the server says of those who were there before', () => {
    const joined = heard(unknownGroup, added(9, cleo));
    expect([wasAdmin(joined, bea), wasAdmin(joined, cleo)]).toEqual([undefined, undefined]);
    const told = answered(joined, member(bea, 'owner'), member(cleo));
    expect([wasAdmin(told, bea), wasAdmin(told, cleo)]).toEqual([true, false]);
  });

  test('is what the server says once this account was away, whatever was known before', () => {
    const made = heard(unknownGroup, { type: 'created', version: 1, members: [ann, bea] });
    const gone = heard(made, left(2, ann));
    const again = heard(gone, added(9, ann));
    expect(wasAdmin(again, bea)).toBeUndefined();
    expect(wasAdmin(answered(again, member(ann), member(bea, 'owner')), bea)).toBe(true);
    // The answer came before the events.
    const early = answered({ ...made, version: 9 }, member(ann), member(bea, 'owner'));
    expect(wasAdmin(heard(heard(early, left(2, ann)), added(9, ann)), bea)).toBe(true);
  });
});

describe('where members of a group came', () => {
  test('is known of those who came since', () => {
    const there = heard(heard(unknownGroup, added(2, bea), 5), { type: 'member-joined', version: 3, member: cleo }, 7);
    expect([bea, cleo, ann].map((of) => whereJoined(there, of, ann))).toEqual([5, 7, undefined]);
    const again = heard(heard(there, left(4, bea), 9), added(5, bea), 11);
    expect([bea, cleo].map((of) => whereJoined(again, of, ann))).toEqual([11, 7]);
  });

  test('is where this account came again for those who came while it was not there, and for nobody else', () => {
    // A device that was linked hears of a change before it is answered; another one of an account that was just added.
    const linked = answered(heard(unknownGroup, { type: 'role-changed', version: 4, member: bea, role: 'admin' }, 3), member(ann), member(bea));
    const comer = answered(heard(unknownGroup, added(4, ann), 3), member(ann), member(bea));
    const founder = heard(unknownGroup, { type: 'created', version: 1, members: [ann, bea] }, 1);
    for (const [there, joined] of [
      [linked, 0],
      [comer, 3],
      [founder, 0],
    ] as const) {
      const again = answered(heard(heard(there, left(5, ann), 6), added(7, ann), 9), member(ann), member(bea), member(cleo));
      expect([bea, cleo].map((of) => whereJoined(again, of, ann))).toEqual([joined, 9]);
      const oncemore = heard(heard(again, left(8, ann), 12), added(9, ann), 14);
      expect([bea, cleo].map((of) => whereJoined(oncemore, of, ann))).toEqual([joined, 9]);
    }
  });
});
