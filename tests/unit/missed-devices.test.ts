import { expect, test } from '@jest/globals';

import type { DeviceLife } from '../../core/device-life.js';
import { missedDevices } from '../../core/missed-devices.js';
import type { RosterMember } from '../../core/roster.js';
import type { AccountId } from '../../protocol/ids.js';
import { deviceNumber, newAccountId } from '../support/ids.js';

const [ann, bea, cleo] = [newAccountId(), newAccountId(), newAccountId()];
const acceptedAtMs = 100_000;

const member = (accountId: AccountId, ...devices: readonly number[]): RosterMember => ({
  ...{ accountId, role: 'member', readReceipts: true, lastSeen: 'everyone', blocks: false, opened: false },
  devices: devices.map((number) => ({ deviceId: deviceNumber(number), registrationId: 7 })),
});
const stay = (accountId: AccountId, number: number, more: Partial<DeviceLife> = {}): DeviceLife => ({
  ...{ device: { accountId, deviceId: deviceNumber(number) }, createdAtMs: 0, joinedAtMs: 0 },
  ...more,
});
const sent = {
  sender: { accountId: ann, deviceId: deviceNumber(1) },
  acceptedAtMs,
  roster: { members: [member(ann, 1), member(bea, 1)] },
  withheld: false,
};
const present = [stay(ann, 1), stay(bea, 1)];
const missed = (more: readonly DeviceLife[], changes: Partial<typeof sent> = {}) =>
  missedDevices({ ...sent, ...changes }, [...present, ...more]).map(({ accountId, deviceId }) => [accountId, deviceId]);

test('a device that was there and not in the roster missed the message, be it of a new member, the peer, or the sender', () => {
  expect(missed([])).toEqual([]);
  expect(missed([stay(cleo, 1, { joinedAtMs: 90_000 }), stay(bea, 2, { createdAtMs: 90_000 }), stay(ann, 2)])).toEqual([
    [cleo, 1],
    [bea, 2],
    [ann, 2],
  ]);
});

test('a device that came after the message, or is gone by now, did not', () => {
  const late = acceptedAtMs + 10_000;
  expect(missed([stay(cleo, 1, { joinedAtMs: late }), stay(bea, 2, { createdAtMs: late }), stay(bea, 3, { revokedAtMs: 99_000 })])).toEqual([]);
  expect(missed([{ device: { accountId: cleo, deviceId: deviceNumber(1) }, createdAtMs: 0 }])).toEqual([]);
});

test('of a message that only the sender’s account may see, only its own devices did', () => {
  expect(missed([stay(bea, 2), stay(ann, 2)], { withheld: true })).toEqual([[ann, 2]]);
});
