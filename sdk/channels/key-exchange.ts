import { deviceKey, parseDeviceKey, type AccountId, type ConversationId, type DeviceAddress } from '../../protocol/ids.js';
import type { KeyNote, TakenNote } from '../groups/key-note.js';
import { conversationTable, outboxTable } from '../messages/message-tables.js';
import { putKeys } from '../messages/outbox-rows.js';
import type { DeviceStore } from '../store/device-store.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { changeChannelRow, channelRowOf, hasPresentKey, newestKey, presentKey, putEpochKey } from './channel-rows.js';
import { keyAnswerTable, keyAskTable, keyWantedTable, offeredKeyTable } from './channel-tables.js';
import { epochKeyBytes, type EpochKey } from './keyring.js';

type ChannelNote = Extract<KeyNote, { type: 'channel-key' | 'channel-key-wanted' }>;

/**
 * Somebody of the channel asks for its key, or gives it. The owner and the admins answer everybody whom the server lets them send keys to, which is members alone; others answer their own devices.
 * A key counts from one's own devices and from whoever was asked; from others if the server's ring says that it is the newest one.
 */
export function takeChannelNote(unit: UnitOfWork, note: ChannelNote, sender: DeviceAddress, own: DeviceAddress): TakenNote {
  const isOwn = sender.accountId === own.accountId;
  return note.type === 'channel-key' ? takeKey(unit, note, { sender, isOwn }) : answerAsk(unit, note, { sender, isOwn });
}

interface From {
  readonly sender: DeviceAddress;
  readonly isOwn: boolean;
}

function answerAsk(unit: UnitOfWork, { conversationId }: ChannelNote, { sender, isOwn }: From): TakenNote {
  const newest = newestKey(unit, conversationId);
  const row = channelRowOf(unit, conversationId);
  if (isOwn && (row === undefined || newest === undefined || !hasPresentKey(row)))
    unit.put(keyWantedTable, [conversationId, deviceKey(sender)], true);
  if (newest === undefined || (!isOwn && (row?.role ?? 'member') === 'member')) return undefined;
  // Who asks again while the answer waits here gets one.
  const before = unit.get(keyAnswerTable, conversationId, deviceKey(sender));
  if (before !== undefined && unit.get(outboxTable, conversationId, before) !== undefined) return undefined;
  const answer = putKeys(unit, { conversationId, to: sender, note: { type: 'channel-key', conversationId, ...newest } });
  unit.put(keyAnswerTable, [conversationId, deviceKey(sender)], answer);
  return 'asks';
}

function takeKey(unit: UnitOfWork, note: Extract<ChannelNote, { type: 'channel-key' }>, { sender, isOwn }: From): TakenNote {
  const { conversationId, epoch, key } = note;
  const known = unit.get(conversationTable, conversationId);
  if (key.byteLength !== epochKeyBytes || (known !== undefined && known.kind !== 'channel')) return undefined;
  if (isOwn) return takeOwnKey(unit, conversationId, { epoch, key });
  if (epoch <= (known?.keyEpoch ?? 0)) return undefined;
  const wasAsked = unit.get(keyAskTable, conversationId)?.asked.includes(sender.accountId) === true;
  if (wasAsked) putEpochKey(unit, conversationId, { epoch, key });
  else if (known?.role === undefined) return undefined;
  else unit.put(offeredKeyTable, [conversationId], { epoch, key });
  return 'channel-key';
}

/** It may be one that is here: the account joined again. Until that was looked at, the channel is one of which only a key came. */
function takeOwnKey(unit: UnitOfWork, conversationId: ConversationId, key: EpochKey): TakenNote {
  putEpochKey(unit, conversationId, key);
  if (channelRowOf(unit, conversationId)?.role === undefined) changeChannelRow(unit, conversationId, { version: 0 });
  return 'channel-key';
}

/** Own devices that asked while the newest key was not here get it now, if it is. */
export function giveWantedKey(unit: UnitOfWork, store: Pick<DeviceStore, 'range'>, conversationId: ConversationId): void {
  const newest = presentKey(unit, conversationId);
  if (newest === undefined) return;
  for (const { key } of store.range(keyWantedTable, [conversationId])) {
    const device = String(key[1]);
    unit.remove(keyWantedTable, conversationId, device);
    putKeys(unit, { conversationId, to: parseDeviceKey(device), note: { type: 'channel-key', conversationId, ...newest } });
  }
}

/** All other devices of these accounts get the newest key, as far as they are in the channel when it is sealed for them. */
export function giveKey(unit: UnitOfWork, conversationId: ConversationId, accounts: readonly AccountId[]): void {
  const newest = newestKey(unit, conversationId);
  if (newest === undefined) return;
  for (const toAccount of new Set(accounts)) putKeys(unit, { conversationId, toAccount, note: { type: 'channel-key', conversationId, ...newest } });
}
