import { DomainError } from '../../protocol/errors.js';
import type { ConversationId, DeviceAddress } from '../../protocol/ids.js';
import { recipientsOf, type Recipient } from '../encryption/envelope-sealer.js';
import { ownIdentityOf } from '../encryption/signal-stores.js';
import type { Roster } from '../messages/conversation-directory.js';
import { outboxTable, type OutboxKeys, type OutboxMessage } from '../messages/message-tables.js';
import type { Outgoing, SealedRow } from '../messages/outbox-rows.js';
import type { RestClient } from '../rest/rest-client.js';
import type { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { DeviceStore } from '../store/device-store.js';
import { presentKey, presentKeyMissing } from './channel-rows.js';
import { lookAtChannel } from './look-at-channel.js';
import { sealPost } from './post-seal.js';

export interface ChannelSealerDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly rest: RestClient;
  readonly signal: SerialQueue;
  /** The newest key of a channel is not here, and something is to be posted. */
  readonly onKeyMissing: (conversationId: ConversationId) => void;
}

/** Seals for a channel: a post under its newest key, for everybody at once; keys for the devices of one member. */
export class ChannelSealer {
  readonly #dependencies: ChannelSealerDependencies;

  constructor(dependencies: ChannelSealerDependencies) {
    this.#dependencies = dependencies;
  }

  /** `fresh`: under the key that the server has for the newest. Throws SdkError `undecryptable` while that is not here: it goes on when it came. */
  async post({ number, row }: Outgoing<OutboxMessage>, { fresh }: { readonly fresh: boolean }): Promise<SealedRow> {
    const { store, own, onKeyMissing } = this.#dependencies;
    const { conversationId, messageId } = row;
    if (fresh || presentKey(store, conversationId) === undefined) await lookAtChannel(this.#dependencies, conversationId);
    const newest = presentKey(store, conversationId);
    if (newest === undefined) {
      onKeyMissing(conversationId);
      throw presentKeyMissing();
    }
    return changeInTurn(this.#dependencies, (unit) => {
      const post = sealPost({ conversationId, messageId, sender: own }, row, newest, ownIdentityOf(unit).privateKey);
      const sealed = { ...row, post, envelopes: [], rosterDigest: `${newest.epoch}` };
      unit.put(outboxTable, [conversationId, number], sealed);
      return sealed;
    });
  }

  /** The devices that keys are for, as the server has them now: nobody who is no member. Throws DomainError `gone` if there are none. */
  async recipientsOf({ conversationId, to, toAccount }: OutboxKeys): Promise<Roster & { readonly recipients: readonly Recipient[] }> {
    const { own, rest } = this.#dependencies;
    const accountId = to?.accountId ?? toAccount ?? own.accountId;
    const member = await rest.call('getChannelMember', { params: { conversationId, accountId } }).catch((error: unknown) => {
      if (error instanceof DomainError && error.code === 'not_found') return undefined;
      throw error;
    });
    const members = member === undefined ? [] : [member];
    const recipients = recipientsOf(members, own).filter(({ deviceId }) => to === undefined || to.deviceId === deviceId);
    if (recipients.length === 0) throw new DomainError('gone', 'nobody of this channel is there whom the keys were for');
    return { rosterDigest: '', members, recipients };
  }
}
