import { createHash } from 'node:crypto';

import type { Envelope } from '../protocol/client-frames.js';
import type { MemberRole } from '../protocol/conversation-event.js';
import type { AccountId, ConversationId, DeviceAddress, DeviceId } from '../protocol/ids.js';
import type { Audience } from '../protocol/rest/privacy.js';
import type { RosterDifference } from '../protocol/server-frames.js';

export interface RosterDevice {
  readonly deviceId: DeviceId;
  readonly registrationId: number;
}

export interface RosterMember {
  readonly accountId: AccountId;
  readonly role: MemberRole;
  readonly devices: readonly RosterDevice[];
  /** Others may learn what it read. */
  readonly readReceipts: boolean;
  readonly lastSeen: Audience;
  /** Of a direct conversation: it blocked the other one. */
  readonly blocks: boolean;
  /** Of a direct conversation: it opened it too, so the other one is a contact of it. */
  readonly opened: boolean;
}

/** Members of a conversation and their active devices, at one version of the conversation. */
export interface Roster {
  readonly conversationId: ConversationId;
  readonly kind: 'direct' | 'group' | 'channel';
  readonly version: number;
  readonly members: readonly RosterMember[];
  readonly digest: string;
}

/** SHA-256, cut to 128 bits, base64url, over the sorted lines `account.device:registrationId` joined by "\n". */
export function rosterDigest(members: readonly Pick<RosterMember, 'accountId' | 'devices'>[]): string {
  const lines = members.flatMap((member) => member.devices.map((device) => `${member.accountId}.${device.deviceId}:${device.registrationId}`));
  return createHash('sha256').update(lines.sort().join('\n')).digest().subarray(0, 16).toString('base64url');
}

/** Everybody's devices except the one. */
export function devicesBeside({ members }: Roster, { accountId: ownAccount, deviceId: ownDevice }: DeviceAddress): readonly DeviceAddress[] {
  return members.flatMap(({ accountId, devices }) =>
    devices.filter(({ deviceId }) => accountId !== ownAccount || deviceId !== ownDevice).map(({ deviceId }) => ({ accountId, deviceId })),
  );
}

/**
 * Of a group message, which is sealed once for all: whether it was sealed for the present roster. Only the digest differs, because nobody knows what the sender knew.
 * `undefined` when it was.
 */
export function checkRosterDigest({ digest }: Roster, sealedFor: string): RosterDifference | undefined {
  return sealedFor === digest ? undefined : { rosterDigest: digest, missing: [], extra: [], stale: [] };
}

/**
 * The device-set check: every device of the roster except the sending one needs exactly one envelope, made for its present registration. With `some`, for `keys` in a group, only those
 * that are there have to fit. `undefined` when the set fits.
 */
export function checkDeviceSet(
  roster: Pick<Roster, 'digest'> & { readonly members: readonly Pick<RosterMember, 'accountId' | 'devices'>[] },
  sender: DeviceAddress,
  envelopes: readonly Envelope[],
  wanted: 'all' | 'some' = 'all',
): RosterDifference | undefined {
  const addressed = new Map(envelopes.map(({ to }) => [`${to.accountId}.${to.deviceId}`, to]));
  const missing: RosterDifference['missing'] = [];
  const stale: RosterDifference['stale'] = [];
  for (const { accountId, devices } of roster.members) {
    for (const { deviceId, registrationId } of devices) {
      const key = `${accountId}.${deviceId}`;
      const to = addressed.get(key);
      addressed.delete(key);
      if (accountId === sender.accountId && deviceId === sender.deviceId) continue;
      if (to === undefined) {
        if (wanted === 'all') missing.push({ accountId, deviceId, registrationId });
      } else if (to.registrationId !== registrationId) stale.push({ accountId, deviceId, registrationId });
    }
  }
  const extra = [...addressed.values()].map(({ accountId, deviceId }) => ({ accountId, deviceId }));
  if (missing.length === 0 && extra.length === 0 && stale.length === 0) return undefined;
  return { rosterDigest: roster.digest, missing, extra, stale };
}
