import { DomainError } from '../../protocol/errors.js';
import { directConversationId, isGroupId, type AccountId, type ConversationId, type DeviceAddress } from '../../protocol/ids.js';
import type { ConversationView } from '../../protocol/rest/conversation.js';
import { withAnswer } from '../groups/group-changes.js';
import type { RestClient } from '../rest/rest-client.js';
import { SdkError } from '../sdk-error.js';
import type { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { DeviceStore } from '../store/device-store.js';
import { decideDeletions, type MessagePlace } from './keep-content.js';
import type { Conversation, DirectConversation, GroupConversation } from './message.js';
import { conversationTable, foundedTable, handleTable, type ConversationRow, type DirectRow, type GroupRow } from './message-tables.js';
import { shownConversation, shownDirect, shownGroup } from './shown-conversation.js';

export interface ConversationDirectoryDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly rest: RestClient;
  /** Messages that arrive make conversations too, from there. */
  readonly signal: SerialQueue;
  /** Messages that are deleted, as is known now: an admin wanted it. */
  readonly onChanged: (messages: readonly MessagePlace[]) => void;
}

export type Roster = NonNullable<ConversationRow['roster']>;

/** Who is in which conversation, as far as this device was told; asks the server for what it does not know. */
export class ConversationDirectory {
  readonly #dependencies: ConversationDirectoryDependencies;

  constructor(dependencies: ConversationDirectoryDependencies) {
    this.#dependencies = dependencies;
  }

  /** Known ones come without asking. Throws DomainError `not_found` for a handle that nobody has, SdkError `offline`, `untrusted_server`. */
  async withHandle(handle: string): Promise<Conversation> {
    const { store, rest } = this.#dependencies;
    const known = store.range(conversationTable, []).find(({ row }) => isDirect(row) && row.handle === handle);
    if (known !== undefined) return shownConversation(store, known.key[0] as ConversationId, known.row);
    const { accountId } = await rest.call('findAccount', { query: { handle } });
    return this.#open(accountId, { handle });
  }

  /** Where a message belongs that came; without the peer's handle if the server cannot be asked for it now: the name can wait, the message cannot. */
  async ofIncoming(conversationId: ConversationId): Promise<Conversation> {
    const { store } = this.#dependencies;
    const row = store.get(conversationTable, conversationId);
    if (row?.kind === 'group') return this.#ofIncomingGroup(conversationId, row);
    if (row?.kind === 'channel' || row?.handle !== undefined) return shownConversation(store, conversationId, row);
    return this.#ofIncomingDirect(conversationId, row);
  }

  async #ofIncomingDirect(conversationId: ConversationId, row: DirectRow | undefined): Promise<Conversation> {
    const { store, rest } = this.#dependencies;
    try {
      // One's own other device wrote first: only the server knows to whom.
      if (row === undefined) await this.roster(conversationId, { fresh: true });
      const now = row ?? store.get(conversationTable, conversationId);
      if (now === undefined || !isDirect(now)) throw new SdkError('untrusted_server', `the server has nobody in conversation ${conversationId}`);
      const { handle } = await rest.call('getAccount', { params: { accountId: now.peer } });
      return await this.#keep(conversationId, { peer: now.peer, handle });
    } catch (error) {
      if (row === undefined) throw error;
      return shownConversation(store, conversationId, row);
    }
  }

  /** After a change, with everybody who is in it now, if the server can be asked. */
  async #ofIncomingGroup(conversationId: ConversationId, row: GroupRow): Promise<Conversation> {
    if (row.roster === undefined) await this.roster(conversationId, { fresh: true }).catch(() => undefined);
    return shownConversation(this.#dependencies.store, conversationId, this.#dependencies.store.get(conversationTable, conversationId) ?? row);
  }

  /** What the server says of a group now. */
  async groupIs(view: ConversationView, groupKey?: Uint8Array): Promise<GroupConversation> {
    const { conversationId, version, title, rosterDigest } = view;
    if (view.kind !== 'group' || !isGroupId(conversationId)) {
      throw new SdkError('untrusted_server', `the server says of conversation ${conversationId} that it is another kind than it was`);
    }
    const members = view.members.map(({ accountId, role }) => ({ accountId, role }));
    const key = groupKey ?? this.#dependencies.store.get(foundedTable, conversationId);
    const answer: GroupRow = { kind: 'group', version, title, members, groupKey: key, roster: { rosterDigest, members: view.members } };
    const row = await this.#change(conversationId, (known) => withAnswer(known?.kind === 'group' ? known : undefined, answer));
    return shownGroup(conversationId, row);
  }

  /** One of the account's own, from a list of the server. What the id does not confirm is passed over. */
  async directWith(conversationId: ConversationId, members: readonly AccountId[]): Promise<void> {
    const { accountId: own } = this.#dependencies.own;
    const peer = members.find((accountId) => accountId !== own) ?? own;
    if (conversationId === directConversationId(own, peer)) await this.#keep(conversationId, { peer });
  }

  /** What somebody is called; the id while the server cannot be asked. */
  async handleOf(accountId: AccountId): Promise<string> {
    const { store, own } = this.#dependencies;
    const direct = store.get(conversationTable, directConversationId(own.accountId, accountId));
    const known = direct !== undefined && isDirect(direct) ? direct.handle : undefined;
    const handle = known ?? store.get(handleTable, accountId);
    return handle ?? this.#askHandle(accountId);
  }

  async #askHandle(accountId: AccountId): Promise<string> {
    try {
      const { handle } = await this.#dependencies.rest.call('getAccount', { params: { accountId } });
      await changeInTurn(this.#dependencies, (unit) => {
        unit.put(handleTable, [accountId], handle);
      });
      return handle;
    } catch (error) {
      if (error instanceof SdkError || error instanceof DomainError) return accountId;
      throw error;
    }
  }

  /** For what the user writes: a direct conversation that the peer began is opened by this account too, which makes the peer a contact. `fresh` as for `roster`. */
  async rosterToWriteTo(conversationId: ConversationId, { fresh }: { readonly fresh: boolean }): Promise<Roster> {
    const { store } = this.#dependencies;
    if (store.get(conversationTable, conversationId) === undefined) await this.roster(conversationId, { fresh: true });
    const row = store.get(conversationTable, conversationId);
    if (row === undefined || !isDirect(row) || row.opened === true) return this.roster(conversationId, { fresh });
    await this.#open(row.peer);
    return this.roster(conversationId, { fresh: false });
  }

  /** `fresh`: as the server has it now, not as it was told here last. */
  async roster(conversationId: ConversationId, { fresh }: { readonly fresh: boolean }): Promise<Roster> {
    const { store, rest, own } = this.#dependencies;
    const row = store.get(conversationTable, conversationId);
    if (row?.roster !== undefined && !fresh) return row.roster;
    const view = await rest.call('getConversation', { params: { conversationId } });
    if (isGroupId(conversationId)) {
      if (view.conversationId !== conversationId)
        throw new SdkError('untrusted_server', `the server answered for another conversation than ${conversationId}`);
      await this.groupIs(view);
      return { rosterDigest: view.rosterDigest, members: view.members };
    }
    const known = row !== undefined && isDirect(row) ? row.peer : undefined;
    const peer = known ?? view.members.find(({ accountId }) => accountId !== own.accountId)?.accountId ?? own.accountId;
    const roster = this.#trusted(view, conversationId, peer);
    await this.#keep(conversationId, { peer, roster });
    return roster;
  }

  async #open(peer: AccountId, facts: Pick<DirectRow, 'handle'> = {}): Promise<Conversation> {
    const { rest, own } = this.#dependencies;
    const view = await rest.call('openConversation', { body: { kind: 'direct', peer } });
    const conversationId = directConversationId(own.accountId, peer);
    return this.#keep(conversationId, { ...facts, peer, opened: true, roster: this.#trusted(view, conversationId, peer) });
  }

  /** The id of a direct conversation says who is in it, so the server cannot add somebody for whom messages would be sealed too. */
  #trusted({ conversationId: named, rosterDigest, members }: ConversationView, conversationId: ConversationId, peer: AccountId): Roster {
    const { accountId: own } = this.#dependencies.own;
    const isTheirs = named === conversationId && conversationId === directConversationId(own, peer);
    if (!isTheirs || members.some(({ accountId }) => accountId !== own && accountId !== peer)) {
      throw new SdkError('untrusted_server', `the server names others in conversation ${conversationId} than the two whose it is`);
    }
    return { rosterDigest, members };
  }

  /** What is not in `facts` stays as it is. */
  async #keep(conversationId: ConversationId, facts: DirectRow): Promise<DirectConversation> {
    const row = await this.#change(conversationId, (known) => ({ ...(known !== undefined && isDirect(known) ? known : undefined), ...facts }));
    return shownDirect(conversationId, row);
  }

  /** From what is known when it is its turn: a message may have said more while the server was asked. */
  async #change<Row extends ConversationRow>(conversationId: ConversationId, rowAfter: (known: ConversationRow | undefined) => Row): Promise<Row> {
    const { store, onChanged } = this.#dependencies;
    const { row, changed } = await changeInTurn(this.#dependencies, (unit) => {
      const after = rowAfter(unit.get(conversationTable, conversationId));
      unit.put(conversationTable, [conversationId], after);
      return { row: after, changed: decideDeletions(unit, store, conversationId) };
    });
    if (changed.length > 0) onChanged(changed);
    return row;
  }
}

function isDirect(row: ConversationRow): row is DirectRow {
  return row.kind !== 'group' && row.kind !== 'channel';
}
