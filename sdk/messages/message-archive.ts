import type { AccountId, ConversationId, DeviceAddress, Position } from '../../protocol/ids.js';
import type { DeviceStore } from '../store/device-store.js';
import type { Message, OutgoingState, PeerReceipts, Conversation } from './message.js';
import { conversationTable, failedTable, messageTable, outboxTable, receiptTable } from './message-tables.js';
import { shownConversation } from './shown-conversation.js';

export interface MessageQuery {
  /** Exclusive. */
  readonly before?: Position | undefined;
  /** The newest so many; messages that are not accepted yet come in addition. */
  readonly limit?: number | undefined;
}

/** Reads what the device keeps. */
export class MessageArchive {
  readonly #store: DeviceStore;
  readonly #own: DeviceAddress;

  constructor(store: DeviceStore, own: DeviceAddress) {
    this.#store = store;
    this.#own = own;
  }

  conversations(): readonly Conversation[] {
    return this.#store.range(conversationTable, []).map(({ key, row }) => shownConversation(key[0] as ConversationId, row));
  }

  /** In the order of the conversation; what is not accepted yet, or never will be, at the end. */
  messages(conversationId: ConversationId, { before, limit }: MessageQuery = {}): readonly Message[] {
    const receipts = this.receipts(conversationId);
    const rows = this.#store.range(messageTable, [conversationId], { before, limit, newestFirst: true }).reverse();
    const accepted = rows.map(({ key, row }): Message => {
      const position = key[1] as Position;
      const state = row.sender.accountId === this.#own.accountId ? stateAt(position, receipts) : undefined;
      return { conversationId, position, ...row, state };
    });
    return before === undefined ? [...accepted, ...this.#failed(conversationId), ...this.#pending(conversationId)] : accepted;
  }

  /** Of the peer; in a group of everybody else together: what all of them have. */
  receipts(conversationId: ConversationId): PeerReceipts {
    const others = this.receiptsByMember(conversationId);
    const row = this.#store.get(conversationTable, conversationId);
    const members = row?.kind === 'group' ? row.members.map(({ accountId }) => accountId) : [...others.keys()];
    const ofOthers = members.filter((accountId) => accountId !== this.#own.accountId).map((accountId) => others.get(accountId) ?? {});
    const common = (name: keyof PeerReceipts) => {
      const positions = ofOthers.map((receipts) => receipts[name]);
      return positions.length === 0 || positions.includes(undefined) ? undefined : Math.min(...positions.map((position) => position ?? 0));
    };
    return { delivered: common('delivered'), read: common('read') };
  }

  /** Of everybody else, each as far as the furthest of its devices. */
  receiptsByMember(conversationId: ConversationId): ReadonlyMap<AccountId, PeerReceipts> {
    const furthest = new Map<AccountId, PeerReceipts>();
    for (const { key, row } of this.#store.range(receiptTable, [conversationId])) {
      const accountId = String(key[1]).split('.')[0] as AccountId;
      if (accountId !== this.#own.accountId) furthest.set(accountId, mergedReceipts(furthest.get(accountId), row));
    }
    return furthest;
  }

  #pending(conversationId: ConversationId): Message[] {
    const sender = this.#own;
    return this.#store
      .range(outboxTable, [conversationId])
      .flatMap(({ row }) =>
        row.kind === 'message' ? [{ conversationId, messageId: row.messageId, sender, content: row.content, state: 'pending' as const }] : [],
      );
  }

  #failed(conversationId: ConversationId): Message[] {
    const sender = this.#own;
    return this.#store.range(failedTable, [conversationId]).map(({ key, row }) => ({
      ...{ conversationId, sender, content: row.content, failure: row.code },
      messageId: key[1] as Message['messageId'],
      state: 'failed',
    }));
  }
}

/** A read message was delivered, whatever came first. */
function stateAt(position: Position, { delivered, read }: PeerReceipts): OutgoingState {
  if (read !== undefined && position <= read) return 'read';
  return delivered !== undefined && position <= delivered ? 'delivered' : 'accepted';
}

/** The higher of both, by part. */
export function mergedReceipts(one: PeerReceipts | undefined, other: PeerReceipts): PeerReceipts {
  const highest = (name: keyof PeerReceipts) => {
    const positions = [one?.[name], other[name]].filter((position) => position !== undefined);
    return positions.length === 0 ? undefined : Math.max(...positions);
  };
  return { delivered: highest('delivered'), read: highest('read') };
}
