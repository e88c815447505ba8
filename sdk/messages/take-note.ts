import { deviceKey, isChannelId, type ConversationId, type DeviceAddress } from '../../protocol/ids.js';
import type { DeliverItem } from '../../protocol/server-frames.js';
import { takeChannelNote } from '../channels/key-exchange.js';
import { acceptDistribution } from '../encryption/sender-keys.js';
import { withdraw } from '../groups/group-sealer.js';
import { decodeNote, type KeyNote, type TakenNote } from '../groups/key-note.js';
import { historyOfferTable, historyWantedTable } from '../history/history-tables.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { giveContentKey, mayExchange, takeContentKey } from './content-keys.js';
import { conversationTable } from './message-tables.js';
import { putKeys } from './outbox-rows.js';

interface Noted {
  readonly plaintext: Uint8Array;
  readonly own: DeviceAddress;
  readonly nowMs: number;
}

type ContentNote = Extract<KeyNote, { type: 'content-key' | 'content-key-wanted' }>;
type HistoryNote = Extract<KeyNote, { type: 'history-wanted' | 'history' }>;
type GroupNote = Extract<KeyNote, { type: 'sender-key' | 'sender-key-wanted' }>;

/** What devices tell each other about keys, in `keys` of the conversation that it is about. */
export async function takeNote(unit: UnitOfWork, item: DeliverItem, { plaintext, own, nowMs }: Noted): Promise<TakenNote> {
  const { conversationId, sender } = item;
  const note = decodeNote(plaintext);
  if (!isOf(note, conversationId)) return undefined;
  switch (note.type) {
    case 'sender-key':
    case 'sender-key-wanted':
      return takeGroupNote(unit, note, sender);
    case 'content-key':
    case 'content-key-wanted':
      return takeContentNote(unit, note, { sender, own, nowMs });
    case 'channel-key':
    case 'channel-key-wanted':
      return isChannelId(conversationId) ? takeChannelNote(unit, note, sender, own) : undefined;
    case 'history-wanted':
    case 'history':
      return sender.accountId === own.accountId ? takeHistoryNote(unit, note, sender) : undefined;
  }
}

/** Of another conversation it says nothing. */
function isOf(note: KeyNote | undefined, conversationId: ConversationId): note is Exclude<KeyNote, { type: 'empty' }> {
  return note !== undefined && note.type !== 'empty' && note.conversationId === conversationId;
}

function takeContentNote(
  unit: UnitOfWork,
  note: ContentNote,
  { sender, own, nowMs }: { readonly sender: DeviceAddress; readonly own: DeviceAddress; readonly nowMs: number },
): TakenNote {
  if (note.type === 'content-key') return takeContentKey(unit, sender, note, nowMs) ? 'content-key' : undefined;
  return mayExchange(unit, sender, nowMs) && giveContentKey(unit, own, note, sender) ? 'asks' : undefined;
}

function takeHistoryNote(unit: UnitOfWork, note: HistoryNote, sender: DeviceAddress): TakenNote {
  const { conversationId, linkId } = note;
  if (note.type === 'history-wanted') unit.put(historyWantedTable, [deviceKey(sender)], { to: sender, linkId, conversationId });
  else {
    const { blobId, key, sha256, size } = note;
    unit.put(historyOfferTable, [blobId], { key, sha256, size, linkId, conversationId, from: sender });
  }
  return 'history';
}

async function takeGroupNote(unit: UnitOfWork, note: GroupNote, sender: DeviceAddress): Promise<TakenNote> {
  const { conversationId } = note;
  const row = unit.get(conversationTable, conversationId);
  if (row?.kind !== 'group') return undefined;
  if (note.type === 'sender-key-wanted') {
    withdraw(unit, conversationId, sender);
    // A device that was just linked is in no roster that is known here.
    unit.put(conversationTable, [conversationId], { ...row, roster: undefined });
    putKeys(unit, { conversationId });
    return 'asks';
  }
  await acceptDistribution(unit, sender, note.distribution);
  if (row.groupKey === undefined && note.groupKey !== undefined) unit.put(conversationTable, [conversationId], { ...row, groupKey: note.groupKey });
  return undefined;
}
