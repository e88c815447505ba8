import type { AccountId, ConversationId, DeviceAddress, MessageId, Position } from '../../protocol/ids.js';
import { isEffect, type Content } from '../encryption/content.js';
import { wasAdmin } from '../groups/group-changes.js';
import type { DeviceStore } from '../store/device-store.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import type { Message, ShownContent } from './message.js';
import {
  contentKeyTable,
  conversationTable,
  disappearingTable,
  effectTable,
  expiryTable,
  messageTable,
  processedTable,
  undecidedTable,
  type EffectRow,
  type MessageRow,
} from './message-tables.js';
import { deletionSlots, editSlot, isChangeable, slotOf } from './outcome.js';

/** What was said in a conversation, as it came or as the server accepted it. */
export interface Accepted {
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
  readonly position: Position;
  readonly acceptedAtMs: number;
  readonly sender: DeviceAddress;
  readonly content: Content | ShownContent;
  readonly ttlSeconds?: number | undefined;
}

export interface MessagePlace {
  readonly conversationId: ConversationId;
  readonly position: Position;
}

/** `added`: a message that is new; `changed`: one that was here, if what was said concerns one. Neither: there is nothing to show. */
export interface Kept {
  readonly added?: (Message & MessagePlace) | undefined;
  readonly changed?: MessagePlace | undefined;
}

/**
 * Puts what was said where the conversation keeps it. The outcome is the same in whatever order things come: messages and effects are kept side by side and read together
 * (outcome.ts), and what is deleted is erased as soon as both are here. What has disappeared already is not kept.
 */
export function keepContent(unit: UnitOfWork, accepted: Accepted, nowMs: number): Kept {
  const { conversationId, messageId, position, acceptedAtMs, sender, content, ttlSeconds } = accepted;
  if (hasDisappeared(accepted, nowMs)) {
    unit.remove(contentKeyTable, messageId);
    return {};
  }
  if (isEffect(content)) return { changed: keepEffect(unit, { ...accepted, content, accountId: sender.accountId }) };
  const place = { conversationId, position };
  const row: MessageRow = { messageId, sender, acceptedAtMs, content, ttlSeconds };
  unit.put(messageTable, [conversationId, position], row);
  if (ttlSeconds !== undefined) unit.put(expiryTable, [expiresAtMs(acceptedAtMs, ttlSeconds), conversationId, position], { messageId });
  if (content.type === 'disappearing' && position > (unit.get(disappearingTable, conversationId)?.position ?? -1)) {
    unit.put(disappearingTable, [conversationId], { position, seconds: content.seconds });
  }
  eraseIfDeleted(unit, place, row);
  return { added: { ...place, ...row } };
}

/** Where a message of the conversation is kept here. */
export function placeOf(
  rows: Pick<UnitOfWork, 'get'>,
  conversationId: ConversationId,
  messageId: MessageId,
): (MessagePlace & { readonly row: MessageRow }) | undefined {
  const position = rows.get(processedTable, messageId);
  const row = position === undefined ? undefined : rows.get(messageTable, conversationId, position);
  return position === undefined || row?.messageId !== messageId ? undefined : { conversationId, position, row };
}

/** Whether its time is over. */
export function hasDisappeared({ acceptedAtMs, ttlSeconds }: Pick<MessageRow, 'acceptedAtMs' | 'ttlSeconds'>, nowMs: number): boolean {
  return ttlSeconds !== undefined && expiresAtMs(acceptedAtMs, ttlSeconds) <= nowMs;
}

function expiresAtMs(acceptedAtMs: number, ttlSeconds: number): number {
  return acceptedAtMs + ttlSeconds * 1_000;
}

/** Decides about deletions that came before anybody was known in the group. Answers the messages that are here and may be others now. For the device's serial queue. */
export function decideDeletions(unit: UnitOfWork, store: Pick<DeviceStore, 'range'>, conversationId: ConversationId): readonly MessagePlace[] {
  const places = store.range(undecidedTable, [conversationId]).map(({ key: [, target, slot], row: { ttlSeconds } }) => {
    const place = [conversationId, target as MessageId, slot as string] as const;
    const effect = unit.get(effectTable, ...place);
    unit.remove(undecidedTable, ...place);
    if (effect === undefined) return undefined;
    unit.remove(effectTable, ...place);
    return keepEffect(unit, { ...effect, conversationId, ttlSeconds });
  });
  return places.filter((place) => place !== undefined);
}

interface AcceptedEffect extends Omit<EffectRow, 'byAdmin'> {
  readonly conversationId: ConversationId;
  readonly ttlSeconds?: number | undefined;
}

/** Answers the message that it concerns, if that is here. */
function keepEffect(unit: UnitOfWork, accepted: AcceptedEffect): MessagePlace | undefined {
  const { conversationId, messageId, position, acceptedAtMs, accountId, content, ttlSeconds } = accepted;
  const isDeletion = content.type === 'delete';
  const isAdmin = isDeletion ? mayDeleteOfOthers(unit, conversationId, accountId) : false;
  const effect: EffectRow = { messageId, position, acceptedAtMs, accountId, content, byAdmin: isAdmin === true };
  const target = content.messageId;
  const slot = slotOf(effect);
  if (isAdmin === undefined) unit.put(undecidedTable, [conversationId, target, slot], { ttlSeconds });
  const known = unit.get(effectTable, conversationId, target, slot);
  const [newer, older] = known === undefined || known.position < position ? [effect, known] : [known, effect];
  // Should the message be deleted, nothing of its texts may be left.
  if (older?.content.type === 'edit') unit.remove(contentKeyTable, older.messageId);
  unit.put(effectTable, [conversationId, target, slot], newer);
  if (ttlSeconds !== undefined) {
    unit.put(expiryTable, [expiresAtMs(acceptedAtMs, ttlSeconds), conversationId, position], { messageId, effect: { target, slot } });
  }
  const place = placeOf(unit, conversationId, target);
  if (place !== undefined) eraseIfDeleted(unit, place, place.row);
  return place;
}

/** `undefined`: nothing is known of the account yet. */
function mayDeleteOfOthers(rows: Pick<UnitOfWork, 'get'>, conversationId: ConversationId, accountId: AccountId): boolean | undefined {
  const row = rows.get(conversationTable, conversationId);
  // In a channel nobody else can post.
  return row?.kind === 'channel' || (row?.kind === 'group' ? wasAdmin(row, accountId) : false);
}

/** What is deleted leaves nothing of its texts, in whichever order the two came. */
export function eraseIfDeleted(unit: UnitOfWork, { conversationId, position }: MessagePlace, row: MessageRow): void {
  const { messageId, sender, content } = row;
  const hasDeletion = () => deletionSlots(sender.accountId).some((slot) => unit.get(effectTable, conversationId, messageId, slot) !== undefined);
  if (content.type !== 'deleted' && !(isChangeable(content) && hasDeletion())) return;
  unit.put(messageTable, [conversationId, position], { ...row, content: { type: 'deleted' } });
  unit.remove(contentKeyTable, messageId);
  const slot = editSlot(sender.accountId);
  const edit = unit.get(effectTable, conversationId, messageId, slot);
  if (edit === undefined) return;
  unit.remove(effectTable, conversationId, messageId, slot);
  unit.remove(contentKeyTable, edit.messageId);
}
