import { decodeEnvelopesWanted } from '../../protocol/envelopes-wanted.js';
import {
  deviceKey,
  directConversationId,
  type AccountId,
  type ConversationId,
  type DeviceAddress,
  type MessageId,
  type Position,
} from '../../protocol/ids.js';
import type { DeliverItem } from '../../protocol/server-frames.js';
import { whereJoined } from '../groups/group-changes.js';
import type { KeyNote } from '../groups/key-note.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { contentKeyTable, conversationTable, givenKeyTable, keyExchangesTable, lackedKeyTable, processedTable } from './message-tables.js';
import { putKeys } from './outbox-rows.js';

const hourMs = 3_600_000;
/** Of one device with another: whoever asks or gives more is not heard. */
const maxExchangesPerHour = 200;

/** A message by where it stands. */
interface Named {
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
  readonly position: Position;
}

type Gift = Extract<KeyNote, { type: 'content-key' }>;

/** The server says which devices a message of this account missed. Answers whether something waits in the outbox. */
export function takeWanted(unit: UnitOfWork, own: DeviceAddress, { conversationId, sender, envelope }: DeliverItem): boolean {
  const wanted = decodeEnvelopesWanted(envelope?.content);
  if (wanted === undefined || sender.accountId !== own.accountId) return false;
  const { messageId, position, devices } = wanted;
  const given = devices.map(
    (device) => deviceKey(device) !== deviceKey(own) && giveContentKey(unit, own, { conversationId, messageId, position }, device),
  );
  return given.includes(true);
}

/**
 * The key of a message of this account for a device that lacks it, if its account may read the message: whatever the server says, it is one of the two of a direct conversation, or is in the group and was when the
 * message was sent. That the device is one of the account's, its signed list says when the key is sealed. Answers whether it waits in the outbox.
 */
export function giveContentKey(unit: UnitOfWork, own: DeviceAddress, { conversationId, messageId, position }: Named, to: DeviceAddress): boolean {
  const kept = unit.get(contentKeyTable, messageId);
  const isOurs = kept?.conversationId === conversationId && kept.author === own.accountId && unit.get(processedTable, messageId) === position;
  if (!isOurs || !mayRead(unit, own, { conversationId, position, accountId: to.accountId })) return false;
  const { key, digest } = kept;
  putKeys(unit, { conversationId, to, note: { type: 'content-key', conversationId, messageId, position, key, digest } });
  return true;
}

/** A message did not open, or came without what opens it: its sender's device is asked for the key, and asked again by `Recovery` if it does not answer. */
export function askContentKey(
  unit: UnitOfWork,
  { conversationId, messageId, position, sender }: Named & { readonly sender: DeviceAddress },
  nowMs: number,
): boolean {
  if (!mayExchange(unit, sender, nowMs)) return false;
  const asks = (unit.get(lackedKeyTable, conversationId, position)?.asks ?? 0) + 1;
  unit.put(lackedKeyTable, [conversationId, position], { messageId, sender, asks, askedAtMs: nowMs });
  putKeys(unit, { conversationId, to: sender, note: { type: 'content-key-wanted', conversationId, messageId, position } });
  return true;
}

/** A device gives the key of a message. It opens nothing yet: `Recovery` gets the body. */
export function takeContentKey(
  unit: UnitOfWork,
  sender: DeviceAddress,
  { conversationId, messageId, position, key, digest }: Gift,
  nowMs: number,
): boolean {
  if (unit.get(contentKeyTable, messageId) !== undefined || !mayExchange(unit, sender, nowMs)) return false;
  unit.put(givenKeyTable, [conversationId, position], { messageId, key, digest, from: sender.accountId });
  return true;
}

/** Counts it, if it may. */
export function mayExchange(unit: UnitOfWork, device: DeviceAddress, nowMs: number): boolean {
  const known = unit.get(keyExchangesTable, deviceKey(device));
  const present = known === undefined || nowMs - known.sinceMs >= hourMs ? { sinceMs: nowMs, count: 0 } : known;
  if (present.count >= maxExchangesPerHour) return false;
  unit.put(keyExchangesTable, [deviceKey(device)], { ...present, count: present.count + 1 });
  return true;
}

interface Reader {
  readonly conversationId: ConversationId;
  readonly position: Position;
  readonly accountId: AccountId;
}

function mayRead(unit: UnitOfWork, own: DeviceAddress, { conversationId, position, accountId }: Reader): boolean {
  const row = unit.get(conversationTable, conversationId);
  if (row?.kind !== 'group') return accountId === own.accountId || conversationId === directConversationId(own.accountId, accountId);
  // Of those who were there before this device, no event came.
  return row.members.some((member) => member.accountId === accountId) && (whereJoined(row, accountId, own.accountId) ?? 0) <= position;
}
