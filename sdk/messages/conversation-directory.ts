import { directConversationId, type AccountId, type ConversationId, type DeviceAddress } from '../../protocol/ids.js';
import type { RestClient } from '../rest/rest-client.js';
import { SdkError } from '../sdk-error.js';
import type { DeviceStore } from '../store/device-store.js';
import type { Conversation } from './message.js';
import { conversationTable, type ConversationRow } from './message-tables.js';

export interface ConversationDirectoryDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly rest: RestClient;
}

type Roster = NonNullable<ConversationRow['roster']>;

/** Who is in which conversation, as far as this device was told; asks the server for what it does not know. */
export class ConversationDirectory {
  readonly #dependencies: ConversationDirectoryDependencies;

  constructor(dependencies: ConversationDirectoryDependencies) {
    this.#dependencies = dependencies;
  }

  /** Known ones come without asking. Throws DomainError `not_found` for a handle that nobody has. */
  async withHandle(handle: string): Promise<Conversation> {
    const { store, rest } = this.#dependencies;
    const known = store.range(conversationTable, []).find(({ row }) => row.handle === handle);
    if (known !== undefined) return conversationOf(known.key[0] as ConversationId, known.row);
    const { accountId } = await rest.call('findAccount', { query: { handle } });
    return this.#open(accountId, handle);
  }

  /** Where a message of an account that writes for the first time belongs. */
  async ofIncoming(conversationId: ConversationId): Promise<Conversation> {
    const { store, rest } = this.#dependencies;
    const row = store.get(conversationTable, conversationId);
    if (row === undefined) throw new SdkError('not_registered', `no conversation ${conversationId} here`);
    if (row.handle !== undefined) return conversationOf(conversationId, row);
    try {
      const { handle } = await rest.call('getAccount', { params: { accountId: row.peer } });
      return await this.#keep(conversationId, { ...row, handle });
    } catch {
      // The name can wait, the message cannot.
      return conversationOf(conversationId, row);
    }
  }

  /** `fresh`: as the server has it now, not as it was told here last. */
  async roster(conversationId: ConversationId, { fresh }: { readonly fresh: boolean }): Promise<Roster> {
    const { store, rest, own } = this.#dependencies;
    const row = store.get(conversationTable, conversationId);
    if (row?.roster !== undefined && !fresh) return row.roster;
    const { rosterDigest, members } = await rest.call('getConversation', { params: { conversationId } });
    const roster = { rosterDigest, members };
    const peer = row?.peer ?? members.find(({ accountId }) => accountId !== own.accountId)?.accountId ?? own.accountId;
    await this.#keep(conversationId, { ...row, peer, roster });
    return roster;
  }

  async #open(peer: AccountId, handle: string): Promise<Conversation> {
    const { rest, own } = this.#dependencies;
    const { conversationId, rosterDigest, members } = await rest.call('openConversation', { body: { kind: 'direct', peer } });
    if (conversationId !== directConversationId(own.accountId, peer)) {
      throw new SdkError('untrusted_server', 'the server named another conversation than that of the two accounts');
    }
    return this.#keep(conversationId, { peer, handle, roster: { rosterDigest, members } });
  }

  async #keep(conversationId: ConversationId, row: ConversationRow): Promise<Conversation> {
    const unit = this.#dependencies.store.begin();
    unit.put(conversationTable, [conversationId], row);
    await unit.commit();
    return conversationOf(conversationId, row);
  }
}

function conversationOf(conversationId: ConversationId, { peer, handle }: ConversationRow): Conversation {
  return { conversationId, peer: { accountId: peer, handle } };
}
