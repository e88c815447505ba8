import type { GroupChange } from '../../core/group-rules.js';
import { secretHash } from '../../core/secret-hash.js';
import { DomainError } from '../../protocol/errors.js';
import type { AccountId, ConversationId, DeviceAddress } from '../../protocol/ids.js';
import { requireMember } from '../require-member.js';
import { jsonOf } from './answer-call.js';
import { presentView } from './conversation-view.js';
import { isNamedBy } from './entity-tag.js';
import { newInvite } from './new-invite.js';
import { requireRate } from '../require-rate.js';
import type { RestDependencies } from './rest-dependencies.js';
import type { RestHandlers } from './rest-handler.js';

type GroupOperation = 'changeTitle' | 'addMembers' | 'removeMember' | 'changeRole' | 'leaveGroup' | 'makeInvite' | 'endInvite' | 'joinGroup';

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
  /** Two admins who write over each other: the second one is told. */
  const versionNamedBy = async (ifMatch: string, accountId: AccountId, conversationId: ConversationId) => {
    const view = await presentView(conversations, accountId, conversationId);
    if (!isNamedBy(ifMatch, jsonOf(view)))
      throw new DomainError('changed', 'If-Match: the conversation is another one now', { detail: { field: 'If-Match' } });
    return view.version;
  };

  return {
    changeTitle: async ({ caller, params, body, ifMatch }) => {
      const ifVersion = ifMatch === undefined ? undefined : await versionNamedBy(ifMatch, caller.accountId, params.conversationId);
      return changeAndView(caller, params.conversationId, { type: 'set-title', title: body.title, ifVersion });
    },
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
      const { invite, shown } = newInvite(clock, body.lifetimeMs);
      await groups.setInvite(params.conversationId, caller.accountId, invite);
      return { status: 201, body: shown };
    },
    endInvite: async ({ caller, params }) => {
      await requireMember(conversations, caller.accountId, params.conversationId);
      await groups.setInvite(params.conversationId, caller.accountId, undefined);
      return { status: 204, body: undefined };
    },
    joinGroup: async ({ caller, body }) => {
      await requireRate(rateLimiter, 'join', caller.accountId);
      const { conversationId, joined } = await groups.join(secretHash(body.secret), caller, clock.nowMs());
      if (joined) await groupEvents.changed(conversationId);
      return { status: 200, body: await presentView(conversations, caller.accountId, conversationId) };
    },
  };
}
