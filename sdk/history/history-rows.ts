import { isChannelId, type ConversationId, type MessageId, type Position } from '../../protocol/ids.js';
import { eraseIfDeleted, hasDisappeared, placeOf } from '../messages/keep-content.js';
import {
  contentKeyTable,
  conversationTable,
  disappearingTable,
  effectTable,
  expiryTable,
  gapTable,
  lackedKeyTable,
  messageTable,
  processedTable,
  readTable,
  type ContentKeyRow,
  type DisappearingRow,
  type EffectRow,
  type ExpiryRow,
  type MessageRow,
} from '../messages/message-tables.js';
import type { Gap } from '../messages/message.js';
import type { DeviceStore } from '../store/device-store.js';
import type { UnitOfWork } from '../store/unit-of-work.js';

interface OfConversation {
  readonly conversationId: ConversationId;
}

/** What a device kept of a conversation, as it goes to another device of the account. */
export type HistoryRow =
  | (OfConversation & { readonly kind: 'message'; readonly position: Position; readonly row: MessageRow; readonly key?: ContentKeyRow | undefined })
  | (OfConversation & {
      readonly kind: 'effect';
      readonly target: MessageId;
      readonly slot: string;
      readonly row: EffectRow;
      readonly key?: ContentKeyRow | undefined;
    })
  | (OfConversation & { readonly kind: 'expiry'; readonly atMs: number; readonly position: Position; readonly row: ExpiryRow })
  | (OfConversation & { readonly kind: 'disappearing'; readonly row: DisappearingRow })
  | (OfConversation & { readonly kind: 'read'; readonly position: Position })
  | (OfConversation & { readonly kind: 'gap'; readonly row: Gap });

/** Everything of direct conversations and groups, the conversation with the newest message first, each from its newest message on. Posts of channels every member has from the server. */
export function* historyRows(store: Pick<DeviceStore, 'get' | 'range'>): Generator<HistoryRow> {
  const conversations = store
    .range(conversationTable, [])
    .map(({ key }) => key[0] as ConversationId)
    .filter((conversationId) => !isChannelId(conversationId))
    .map((conversationId) => ({ conversationId, newest: newestOf(store, conversationId) }))
    .filter(({ newest }) => newest !== undefined)
    .sort((one, other) => (other.newest ?? 0) - (one.newest ?? 0));
  const expiries = expiriesOf(store);
  for (const { conversationId } of conversations) {
    const read = store.get(readTable, conversationId);
    if (read !== undefined) yield { kind: 'read', conversationId, position: read };
    const rule = store.get(disappearingTable, conversationId);
    if (rule !== undefined) yield { kind: 'disappearing', conversationId, row: rule };
    for (const { row } of store.range(gapTable, [conversationId])) yield { kind: 'gap', conversationId, row };
    for (const { key, row } of store.range(messageTable, [conversationId], { newestFirst: true })) {
      yield { kind: 'message', conversationId, position: key[1] as Position, row, key: store.get(contentKeyTable, row.messageId) };
    }
    for (const { key, row } of store.range(effectTable, [conversationId])) {
      const [, target, slot] = key as readonly [ConversationId, MessageId, string];
      yield { kind: 'effect', conversationId, target, slot, row, key: store.get(contentKeyTable, row.messageId) };
    }
    yield* expiries.get(conversationId) ?? [];
  }
}

function expiriesOf(store: Pick<DeviceStore, 'range'>): ReadonlyMap<ConversationId, readonly HistoryRow[]> {
  const byConversation = new Map<ConversationId, HistoryRow[]>();
  for (const { key, row } of store.range(expiryTable, [])) {
    const [atMs, conversationId, position] = key as readonly [number, ConversationId, Position];
    const expiries = byConversation.get(conversationId) ?? [];
    byConversation.set(conversationId, expiries);
    expiries.push({ kind: 'expiry', conversationId, atMs, position, row });
  }
  return byConversation;
}

function newestOf(store: Pick<DeviceStore, 'range'>, conversationId: ConversationId): number | undefined {
  return store.range(messageTable, [conversationId], { newestFirst: true, limit: 1 })[0]?.row.acceptedAtMs;
}

/** Keeps what is not known here, in any order and any number of times; what came here itself stays. Answers whether it is a message that is new, or opens now. For the device's serial queue. */
export function keepHistoryRow(unit: UnitOfWork, history: HistoryRow, nowMs: number): boolean {
  const { conversationId } = history;
  switch (history.kind) {
    case 'message':
      return keepMessage(unit, history, nowMs);
    case 'effect':
      keepEffectRow(unit, history);
      return false;
    case 'expiry':
      unit.put(expiryTable, [history.atMs, conversationId, history.position], history.row);
      return false;
    case 'gap':
      unit.put(gapTable, [conversationId, history.row.from ?? 0, history.row.to ?? 0], history.row);
      return false;
    case 'disappearing':
    case 'read':
      raiseMark(unit, history);
      return false;
  }
}

/** The later one counts. */
function raiseMark(unit: UnitOfWork, mark: Extract<HistoryRow, { kind: 'disappearing' | 'read' }>): void {
  const { conversationId } = mark;
  if (mark.kind === 'read') unit.put(readTable, [conversationId], Math.max(mark.position, unit.get(readTable, conversationId) ?? -1));
  else if (mark.row.position > (unit.get(disappearingTable, conversationId)?.position ?? -1)) unit.put(disappearingTable, [conversationId], mark.row);
}

function keepMessage(unit: UnitOfWork, { conversationId, position, row, key }: Extract<HistoryRow, { kind: 'message' }>, nowMs: number): boolean {
  const { messageId } = row;
  const known = unit.get(messageTable, conversationId, position);
  // It may have come, and gone.
  const isKnown = unit.get(processedTable, messageId) !== undefined && known?.content.type !== 'undecryptable';
  if (isKnown || hasDisappeared(row, nowMs)) return false;
  unit.put(processedTable, [messageId], position);
  unit.put(messageTable, [conversationId, position], row);
  unit.remove(lackedKeyTable, conversationId, position);
  if (key !== undefined) unit.put(contentKeyTable, [messageId], key);
  eraseIfDeleted(unit, { conversationId, position }, row);
  return true;
}

function keepEffectRow(unit: UnitOfWork, { conversationId, target, slot, row, key }: Extract<HistoryRow, { kind: 'effect' }>): void {
  const known = unit.get(effectTable, conversationId, target, slot);
  if (unit.get(processedTable, row.messageId) !== undefined || (known?.position ?? -1) >= row.position) return;
  unit.put(processedTable, [row.messageId], row.position);
  unit.put(effectTable, [conversationId, target, slot], row);
  if (key !== undefined) unit.put(contentKeyTable, [row.messageId], key);
  const place = placeOf(unit, conversationId, target);
  if (place !== undefined) eraseIfDeleted(unit, place, place.row);
}
