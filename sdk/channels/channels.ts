import type { MemberRole } from '../../protocol/conversation-event.js';
import { DomainError } from '../../protocol/errors.js';
import { newChannelId, type AccountId, type ConversationId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { ChannelView } from '../../protocol/rest/channel.js';
import { sealTitle } from '../groups/group-title.js';
import type { ChannelConversation } from '../messages/message.js';
import { shownChannel } from '../messages/shown-conversation.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import type { ChannelKeys, ChannelKeysDependencies, ChannelMember } from './channel-keys.js';
import { changeChannelRow, channelRowOf, putEpochKey, takeView } from './channel-rows.js';
import { decodeInvite, encodeInvite } from './invite-text.js';
import { giveKey } from './key-exchange.js';
import { newEpochKey, sealKeyring, type EpochKey } from './keyring.js';
import { lookAtChannel } from './look-at-channel.js';

export interface ChannelsDependencies extends ChannelKeysDependencies {
  readonly keys: ChannelKeys;
}

/** Channels of up to 100,000 members. Every call asks the server, and throws DomainError when it refuses, SdkError `offline` without it. Posts come as messages, on every device. */
export class Channels {
  readonly #dependencies: ChannelsDependencies;

  constructor(dependencies: ChannelsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Throws DomainError `invalid_request` for a title that is no title. */
  async create({ title }: { readonly title: string }): Promise<ChannelConversation> {
    const { rest } = this.#dependencies;
    const conversationId = newChannelId();
    const first: EpochKey = { epoch: 1, key: newEpochKey() };
    const body = { conversationId, title: sealTitle(first.key, conversationId, title), keyring: sealKeyring(conversationId, first, []) };
    return this.#joined(await rest.call('createChannel', { body }), first);
  }

  /** By what `makeInvite` answered. Throws DomainError `invalid_request`, `not_found`, `gone`, `channel_full`. */
  async join(invite: string): Promise<ChannelConversation> {
    const { secret, ...key } = decodeInvite(invite);
    return this.#joined(await this.#dependencies.rest.call('joinChannel', { body: { secret } }), key);
  }

  /** What came stays readable here. */
  async leave(conversationId: ConversationId): Promise<void> {
    await this.#dependencies.rest.call('leaveChannel', { params: { conversationId } });
    await this.#change((unit) => changeChannelRow(unit, conversationId, { role: undefined, waitsForKey: false }));
    this.#dependencies.puller.compareSoon();
  }

  async setTitle(conversationId: ConversationId, title: string): Promise<ChannelConversation> {
    const { key } = await this.#dependencies.keys.present(conversationId);
    const body = { title: sealTitle(key, conversationId, title) };
    return this.#changed(await this.#dependencies.rest.call('changeChannelTitle', { params: { conversationId }, body }));
  }

  async setRole(conversationId: ConversationId, accountId: AccountId, role: MemberRole): Promise<ChannelConversation> {
    await this.#dependencies.rest.call('changeChannelRole', { params: { conversationId, accountId }, body: { role } });
    // What members have may be older.
    if (role !== 'member') await this.#dependencies.keys.give(conversationId, accountId);
    return this.#look(conversationId);
  }

  /** Whoever is removed reads nothing that is posted from then on: another key is made, as soon as it can if not at once. Without an answer it may have been done: to be called again. */
  async remove(conversationId: ConversationId, accountId: AccountId): Promise<ChannelConversation> {
    await this.#dependencies.keys.remove(conversationId, accountId);
    return this.#shown(conversationId);
  }

  /** Another key for what is posted from now on, and the end of the invite. Throws SdkError `undecryptable` while the present one is not here. */
  async renewKey(conversationId: ConversationId): Promise<ChannelConversation> {
    await this.#dependencies.keys.renew(conversationId);
    return this.#shown(conversationId);
  }

  /** A text that lets anybody in who has it, until its time is over, `endInvite`, another key, or the next one. */
  async makeInvite(conversationId: ConversationId, { lifetimeMs = limits.maxInviteLifetimeMs } = {}): Promise<string> {
    const key = await this.#dependencies.keys.present(conversationId);
    const { secret } = await this.#dependencies.rest.call('makeChannelInvite', { params: { conversationId }, body: { lifetimeMs } });
    return encodeInvite({ secret, ...key });
  }

  async endInvite(conversationId: ConversationId): Promise<void> {
    await this.#dependencies.rest.call('endChannelInvite', { params: { conversationId } });
  }

  /** A page in the order of the account ids; `next` is `after` of the next one. */
  async members(
    conversationId: ConversationId,
    { after, limit = 100 }: { readonly after?: AccountId | undefined; readonly limit?: number } = {},
  ): Promise<{ readonly items: readonly ChannelMember[]; readonly next?: AccountId | undefined }> {
    return this.#dependencies.rest.call('listChannelMembers', { params: { conversationId }, query: { who: 'all', after, limit } });
  }

  /** Throws DomainError `not_found` if nobody is called so, or nobody in this channel whom one may know of. */
  async memberCalled(conversationId: ConversationId, handle: string): Promise<ChannelMember> {
    const { rest } = this.#dependencies;
    const { accountId } = await rest.call('findAccount', { query: { handle } });
    const { role } = await rest.call('getChannelMember', { params: { conversationId, accountId } });
    return { accountId, role };
  }

  /** The owner and the admins. */
  staff(conversationId: ConversationId): Promise<readonly ChannelMember[]> {
    return this.#dependencies.keys.staff(conversationId);
  }

  /** Resolves when everything that was posted until now is here, or waits for a key. */
  async refresh(conversationId: ConversationId): Promise<ChannelConversation> {
    await this.#dependencies.puller.refresh();
    return this.#look(conversationId);
  }

  async #joined(view: ChannelView, key: EpochKey): Promise<ChannelConversation> {
    const { own, puller, onAsked } = this.#dependencies;
    const { conversationId } = view;
    await this.#change((unit) => {
      takeView(unit, view);
      putEpochKey(unit, conversationId, key);
      giveKey(unit, conversationId, [own.accountId]);
    });
    onAsked();
    puller.compareSoon();
    return this.#shown(conversationId);
  }

  async #changed(view: ChannelView): Promise<ChannelConversation> {
    await this.#change((unit) => takeView(unit, view));
    return this.#shown(view.conversationId);
  }

  async #look(conversationId: ConversationId): Promise<ChannelConversation> {
    await lookAtChannel(this.#dependencies, conversationId);
    return this.#shown(conversationId);
  }

  #shown(conversationId: ConversationId): ChannelConversation {
    const { store } = this.#dependencies;
    const row = channelRowOf(store, conversationId);
    if (row === undefined)
      throw new DomainError('not_found', 'conversationId: no channel that is known here', { detail: { field: 'conversationId' } });
    return shownChannel(store, conversationId, row);
  }

  #change<Result>(change: (unit: UnitOfWork) => Result): Promise<Result> {
    return changeInTurn(this.#dependencies, change);
  }
}
