import { createHash, randomBytes } from 'node:crypto';

import type { GroupChange } from '../../core/group-rules.js';
import type { ConversationId, DeviceAddress } from '../../protocol/ids.js';
import { requireMember } from '../require-member.js';
import { presentView } from './conversation-view.js';
import { requireRate } from './require-rate.js';
import type { RestDependencies } from './rest-dependencies.js';
import type { RestHandlers } from './rest-handler.js';

type GroupOperation = 'changeTitle' | 'addMembers' | 'removeMember' | 'changeRole' | 'leaveGroup' | 'makeInvite' | 'endInvite' | 'joinGroup';

const secretBytes = 24;

export function groupHandlers({ conversations, groups, groupEvents, rateLimiter, clock }: RestDependencies): RestHandlers<GroupOperation> {
  const change = async (by: DeviceAddress, conversationId: ConversationId, wanted: GroupChange) => {
    await requireMember(conversations, by.accountId, conversationId);
    await requireRate(rateLimiter, 'groupChange', by.accountId);
    if (await groups.change(conversationId, by, wanted, clock.nowMs())) await groupEvents.changed(conversationId);
  };
  const changeAndView = async (by: DeviceAddress, conversationId: ConversationId, wanted: GroupChange) => {
    await change(by, conversationId, wanted);
    return { status: 200, body: await presentView(conversations, by.accountId, conversationId) } as const;
  };

  return {
    changeTitle: ({ caller, params, body }) => changeAndView(caller, params.conversationId, { type: 'set-title', title: body.title }),
    addMembers: ({ caller, params, body }) => changeAndView(caller, params.conversationId, { type: 'add', accounts: body.accounts }),
    removeMember: ({ caller, params }) => changeAndView(caller, params.conversationId, { type: 'remove', account: params.accountId }),
    changeRole: ({ caller, params, body }) =>
      changeAndView(caller, params.conversationId, { type: 'set-role', account: params.accountId, role: body.role }),
    leaveGroup: async ({ caller, params }) => {
      await change(caller, params.conversationId, { type: 'leave' });
      return { status: 204, body: undefined };
    },
    makeInvite: async ({ caller, params, body }) => {
      await requireMember(conversations, caller.accountId, params.conversationId);
      const secret = randomBytes(secretBytes);
      const expiresAtMs = clock.nowMs() + body.lifetimeMs;
      await groups.setInvite(params.conversationId, caller.accountId, { hash: hashOf(secret), expiresAtMs });
      return { status: 201, body: { secret, expiresAtMs } };
    },
    endInvite: async ({ caller, params }) => {
      await requireMember(conversations, caller.accountId, params.conversationId);
      await groups.setInvite(params.conversationId, caller.accountId, undefined);
      return { status: 204, body: undefined };
    },
    joinGroup: async ({ caller, body }) => {
      await requireRate(rateLimiter, 'join', caller.accountId);
      const { conversationId, joined } = await groups.join(hashOf(body.secret), caller, clock.nowMs());
      if (joined) await groupEvents.changed(conversationId);
      return { status: 200, body: await presentView(conversations, caller.accountId, conversationId) };
    },
  };
}

function hashOf(secret: Uint8Array): Uint8Array {
  return createHash('sha256').update(secret).digest();
}
