import { mayKnow, notAMember, requireStaff, type ChannelChange } from '../../core/channel-rules.js';
import { secretHash } from '../../core/secret-hash.js';
import type { Channels } from '../../ports/channels.js';
import { DomainError } from '../../protocol/errors.js';
import type { AccountId, ConversationId, DeviceAddress } from '../../protocol/ids.js';
import type { channelCalls } from '../../protocol/rest/channel-calls.js';
import type { ChannelView } from '../../protocol/rest/channel.js';
import { requireChannelMember } from '../require-channel-member.js';
import { newInvite } from './new-invite.js';
import { requireRate } from '../require-rate.js';
import type { RestDependencies } from './rest-dependencies.js';
import type { RestHandlers } from './rest-handler.js';

type ChannelOperation = keyof typeof channelCalls;

type Read = 'getChannel' | 'listChannelMembers' | 'getChannelMember';
type Invitation = 'makeChannelInvite' | 'endChannelInvite' | 'joinChannel';

const nothing = { status: 204, body: undefined } as const;

export function channelHandlers(dependencies: RestDependencies): RestHandlers<ChannelOperation> {
  return { ...readHandlers(dependencies), ...inviteHandlers(dependencies), ...changeHandlers(dependencies) };
}

function readHandlers({ channels }: RestDependencies): RestHandlers<Read> {
  return {
    getChannel: async ({ caller, params }) => ({ status: 200, body: await viewOf(channels, params.conversationId, caller.accountId) }),
    listChannelMembers: async ({ caller, params: { conversationId }, query: { who, after, limit } }) => {
      const role = await requireChannelMember(channels, caller.accountId, conversationId);
      if (who === 'all') requireStaff(role, 'see all its members');
      const found = await channels.members(conversationId, { staffOnly: who === 'staff', after, limit: limit + 1 });
      const items = found.slice(0, limit);
      const next = found.length > limit ? items.at(-1)?.accountId : undefined;
      return { status: 200, body: next === undefined ? { items } : { items, next } };
    },
    getChannelMember: async ({ caller, params: { conversationId, accountId } }) => {
      const role = await requireChannelMember(channels, caller.accountId, conversationId);
      const member = await channels.member(conversationId, accountId);
      if (member === undefined || !mayKnow({ accountId: caller.accountId, role }, member)) {
        throw new DomainError('not_found', 'accountId: not a member', { detail: { field: 'accountId' } });
      }
      return { status: 200, body: { ...member, devices: [...member.devices] } };
    },
  };
}

function inviteHandlers({ channels, rateLimiter, clock }: RestDependencies): RestHandlers<Invitation> {
  return {
    makeChannelInvite: async ({ caller, params: { conversationId }, body }) => {
      await requireChannelMember(channels, caller.accountId, conversationId);
      const { invite, shown } = newInvite(clock, body.lifetimeMs);
      await channels.setInvite(conversationId, caller.accountId, invite);
      return { status: 201, body: shown };
    },
    endChannelInvite: async ({ caller, params: { conversationId } }) => {
      await requireChannelMember(channels, caller.accountId, conversationId);
      await channels.setInvite(conversationId, caller.accountId, undefined);
      return nothing;
    },
    joinChannel: async ({ caller, body }) => {
      await requireRate(rateLimiter, 'join', caller.accountId);
      const conversationId = await channels.join(secretHash(body.secret), caller.accountId, clock.nowMs());
      return { status: 200, body: await viewOf(channels, conversationId, caller.accountId) };
    },
  };
}

function changeHandlers({
  channels,
  groupEvents,
  announcements,
  rateLimiter,
  clock,
}: RestDependencies): RestHandlers<Exclude<ChannelOperation, Read | Invitation>> {
  const change = async (by: DeviceAddress, conversationId: ConversationId, wanted: ChannelChange) => {
    await requireChannelMember(channels, by.accountId, conversationId);
    await requireRate(rateLimiter, 'groupChange', by.accountId);
    if (!(await channels.change(conversationId, by, wanted, clock.nowMs()))) return;
    const gone = wanted.type === 'remove' ? wanted.account : by.accountId;
    if (wanted.type === 'remove' || wanted.type === 'leave') await announcements.publish({ kind: 'channel-left', conversationId, accountId: gone });
    await groupEvents.changed(conversationId);
  };

  return {
    createChannel: async ({ caller, body }) => {
      await requireRate(rateLimiter, 'groupChange', caller.accountId);
      const created = await channels.create(body, caller, clock.nowMs());
      if (created) await groupEvents.changed(body.conversationId);
      return { status: created ? 201 : 200, body: await viewOf(channels, body.conversationId, caller.accountId) };
    },
    changeChannelTitle: async ({ caller, params, body }) => {
      await change(caller, params.conversationId, { type: 'set-title', title: body.title });
      return { status: 200, body: await viewOf(channels, params.conversationId, caller.accountId) };
    },
    renewChannelKey: async ({ caller, params: { conversationId }, body }) => {
      requireStaff(await requireChannelMember(channels, caller.accountId, conversationId), 'make another key');
      await requireRate(rateLimiter, 'groupChange', caller.accountId);
      if (await channels.renewKey(conversationId, caller.accountId, body)) await groupEvents.changed(conversationId);
      return { status: 200, body: await viewOf(channels, conversationId, caller.accountId) };
    },
    removeChannelMember: async ({ caller, params }) => {
      await change(caller, params.conversationId, { type: 'remove', account: params.accountId });
      return nothing;
    },
    changeChannelRole: async ({ caller, params, body }) => {
      await change(caller, params.conversationId, { type: 'set-role', account: params.accountId, role: body.role });
      return nothing;
    },
    leaveChannel: async ({ caller, params }) => {
      await change(caller, params.conversationId, { type: 'leave' });
      return nothing;
    },
  };
}

/** Throws DomainError `not_a_member`. */
async function viewOf(channels: Channels, conversationId: ConversationId, accountId: AccountId): Promise<ChannelView> {
  const channel = await channels.get(conversationId, accountId);
  if (channel === undefined) throw notAMember();
  return channel;
}
