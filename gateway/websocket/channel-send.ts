import { mayKnow, requireStaff, shownInChannels } from '../../core/channel-rules.js';
import type { Roster } from '../../core/roster.js';
import type { Channels } from '../../ports/channels.js';
import type { Rosters } from '../../ports/rosters.js';
import type { SendFrame } from '../../protocol/client-frames.js';
import { DomainError } from '../../protocol/errors.js';
import type { DeviceAddress } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import { requireChannelMember } from '../require-channel-member.js';

export interface ChannelSendDependencies {
  readonly rosters: Rosters;
  readonly channels: Pick<Channels, 'roles' | 'member'>;
}

/**
 * Whom a send to a channel has to fit. Of a post that is its staff, from the cache, with the key that counts: however many members there are, nobody looks at them.
 * Of `keys` it is the one member whom they are for. Throws DomainError `not_a_member`, `forbidden`, `invalid_frame`.
 */
export async function channelRoster(dependencies: ChannelSendDependencies, sender: DeviceAddress, frame: SendFrame): Promise<Roster> {
  return frame.kind === 'keys' ? memberFor(dependencies, sender, frame) : staffFor(dependencies, sender, frame);
}

async function staffFor(
  { rosters, channels }: ChannelSendDependencies,
  { accountId }: DeviceAddress,
  { conversationId }: SendFrame,
): Promise<Roster> {
  const staff = await rosters.roster(conversationId);
  if (staff?.members.some((member) => member.accountId === accountId) === true) return staff;
  requireStaff(await requireChannelMember(channels, accountId, conversationId), 'post');
  // It became one a moment ago.
  const present = await rosters.refreshed(conversationId);
  if (present === undefined) throw new DomainError('unavailable', 'the channel is changing', { retryAfterMs: 1_000 });
  return present;
}

async function memberFor(
  { channels }: ChannelSendDependencies,
  sender: DeviceAddress,
  { conversationId, envelopes, rosterDigest }: SendFrame,
): Promise<Roster> {
  const [first] = envelopes;
  const { maxDevicesPerAccount: limit } = limits;
  if (first === undefined || envelopes.length > limit || envelopes.some(({ to }) => to.accountId !== first.to.accountId)) {
    const rule = `keys in a channel are for one member: 1 to ${limit} envelopes for its devices`;
    throw new DomainError('invalid_frame', `envelopes: ${rule}`, { detail: { field: 'envelopes', limit } });
  }
  const role = await requireChannelMember(channels, sender.accountId, conversationId);
  const member = await channels.member(conversationId, first.to.accountId);
  if (member === undefined || !mayKnow({ accountId: sender.accountId, role }, member)) {
    throw new DomainError('not_found', 'envelopes: they are for nobody who is in this channel', { detail: { field: 'envelopes' } });
  }
  return { conversationId, kind: 'channel', version: 0, digest: rosterDigest, members: [{ ...member, ...shownInChannels }] };
}
