import { v7 } from 'uuid';

import type { MemberRole } from '../../protocol/conversation-event.js';
import { DomainError } from '../../protocol/errors.js';
import type { AccountId, ConversationId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { ConversationView } from '../../protocol/rest/conversation.js';
import type { ConversationDirectory } from '../messages/conversation-directory.js';
import { conversationTable, foundedTable } from '../messages/message-tables.js';
import type { GroupConversation } from '../messages/message.js';
import type { RestClient } from '../rest/rest-client.js';
import { SdkError } from '../sdk-error.js';
import type { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { DeviceStore } from '../store/device-store.js';
import { newGroupKey, sealTitle } from './group-title.js';

export interface GroupsDependencies {
  readonly store: DeviceStore;
  readonly rest: RestClient;
  readonly conversations: ConversationDirectory;
  /** Of everything that touches Signal state. */
  readonly signal: SerialQueue;
  /** Gives this device's sender key to whoever lacks it. */
  readonly giveKeys: (conversationId: ConversationId) => Promise<void>;
}

/** Groups of up to 256 members. Every call asks the server, and throws DomainError when it refuses, SdkError `offline` without it. Changes come back as messages of type `event`, on every device. */
export class Groups {
  readonly #dependencies: GroupsDependencies;

  constructor(dependencies: GroupsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Of accounts by their handles, beside one's own. */
  async create({ title, members }: { readonly title: string; readonly members: readonly string[] }): Promise<GroupConversation> {
    const { rest } = this.#dependencies;
    const conversationId = v7() as ConversationId;
    const groupKey = newGroupKey();
    const sealed = sealTitle(groupKey, conversationId, title);
    const accounts = await this.#accountsOf(members);
    // Before the server is asked: whatever becomes of its answer, the group's title can be opened.
    await changeInTurn(this.#dependencies, (unit) => {
      unit.put(foundedTable, [conversationId], groupKey);
    });
    return this.#changed(await rest.call('openConversation', { body: { kind: 'group', conversationId, members: accounts, title: sealed } }));
  }

  async add(conversationId: ConversationId, members: readonly string[]): Promise<GroupConversation> {
    const accounts = await this.#accountsOf(members);
    return this.#changed(await this.#dependencies.rest.call('addMembers', { params: { conversationId }, body: { accounts } }));
  }

  async remove(conversationId: ConversationId, accountId: AccountId): Promise<GroupConversation> {
    return this.#changed(await this.#dependencies.rest.call('removeMember', { params: { conversationId, accountId } }));
  }

  async setRole(conversationId: ConversationId, accountId: AccountId, role: MemberRole): Promise<GroupConversation> {
    return this.#changed(await this.#dependencies.rest.call('changeRole', { params: { conversationId, accountId }, body: { role } }));
  }

  async setTitle(conversationId: ConversationId, title: string): Promise<GroupConversation> {
    const sealed = sealTitle(this.#keyOf(conversationId), conversationId, title);
    return this.#changed(await this.#dependencies.rest.call('changeTitle', { params: { conversationId }, body: { title: sealed } }));
  }

  async leave(conversationId: ConversationId): Promise<void> {
    await this.#dependencies.rest.call('leaveGroup', { params: { conversationId } });
  }

  /** A text that lets anybody in who has it, until its time is over, `endInvite`, or the next one. */
  async makeInvite(conversationId: ConversationId, { lifetimeMs = limits.maxInviteLifetimeMs } = {}): Promise<string> {
    const key = this.#keyOf(conversationId);
    const { secret } = await this.#dependencies.rest.call('makeInvite', { params: { conversationId }, body: { lifetimeMs } });
    return [secret, key].map((part) => Buffer.from(part).toString('base64url')).join('.');
  }

  async endInvite(conversationId: ConversationId): Promise<void> {
    await this.#dependencies.rest.call('endInvite', { params: { conversationId } });
  }

  /** By what `makeInvite` answered. Throws DomainError `invalid_request`, `not_found`, `gone`, `group_full`. */
  async join(invite: string): Promise<GroupConversation> {
    const [secret, key, ...more] = invite.trim().split('.');
    if (secret === undefined || key === undefined || more.length > 0) {
      throw new DomainError('invalid_request', 'invite: two parts with a dot between them', { detail: { field: 'invite' } });
    }
    const view = await this.#dependencies.rest.call('joinGroup', { body: { secret: Buffer.from(secret, 'base64url') } });
    return this.#changed(view, Buffer.from(key, 'base64url'));
  }

  async #changed(view: ConversationView, groupKey?: Uint8Array): Promise<GroupConversation> {
    const { conversations, giveKeys } = this.#dependencies;
    const conversation = await conversations.groupIs(view, groupKey);
    await giveKeys(view.conversationId);
    return conversation;
  }

  #keyOf(conversationId: ConversationId): Uint8Array {
    const row = this.#dependencies.store.get(conversationTable, conversationId);
    if (row?.kind === 'group' && row.groupKey !== undefined) return row.groupKey;
    throw new SdkError('undecryptable', 'nobody of this group has given its key to this device yet');
  }

  #accountsOf(handles: readonly string[]): Promise<AccountId[]> {
    const { rest } = this.#dependencies;
    return Promise.all(handles.map(async (handle) => (await rest.call('findAccount', { query: { handle } })).accountId));
  }
}
