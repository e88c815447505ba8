import { v7 } from 'uuid';

import type { Envelope } from '../../protocol/client-frames.js';
import type { ErrorCode } from '../../protocol/errors.js';
import { isChannelId, type DeviceAddress, type MessageId, type Position } from '../../protocol/ids.js';
import { envelopePlaintext, readEnvelope } from '../encryption/body-seal.js';
import { isEffect } from '../encryption/content.js';
import { ownSenderKeyTable } from '../groups/group-tables.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { keepContent } from './keep-content.js';
import { contentKeyTable, failedTable, outboxNumberTable, outboxTable, processedTable, type OutboxKeys, type OutboxRow } from './message-tables.js';

/** A row with its place in the outbox. */
export interface Outgoing<Row extends OutboxRow = OutboxRow> {
  readonly number: number;
  readonly row: Row;
}

/** What goes out, and goes out again, byte for byte. */
export type SealedRow = OutboxRow & { readonly envelopes: readonly Envelope[]; readonly rosterDigest: string };

/** Keys of channels have higher numbers, posts lower ones. */
export const behindAllPosts = 2 ** 48;

/** Behind everything that was put before; answers its number. For the device's serial queue. */
export function putOutgoing(unit: UnitOfWork, row: OutboxRow): number {
  const next = unit.get(outboxNumberTable, 'next') ?? 1;
  unit.put(outboxNumberTable, ['next'], next + 1);
  // A post does not wait until a thousand members have got their keys.
  const number = row.kind === 'keys' && isChannelId(row.conversationId) ? behindAllPosts + next : next;
  unit.put(outboxTable, [row.conversationId, number], row);
  return number;
}

/** A note for one device, an empty one if none is given; without `to` and `toAccount` this device's sender key, for every device of the group that lacks it. */
export function putKeys(unit: UnitOfWork, keys: Pick<OutboxKeys, 'conversationId' | 'to' | 'toAccount' | 'note'>): number {
  return putOutgoing(unit, { kind: 'keys', messageId: v7() as MessageId, attempt: 0, ...keys });
}

/** The server has the first part of a row. */
export function dropPart(unit: UnitOfWork, { number, row }: Outgoing<SealedRow>): SealedRow {
  const rest = { ...row, parts: (row.parts ?? []).slice(1) };
  unit.put(outboxTable, [row.conversationId, number], rest);
  return rest;
}

export interface Acceptance {
  readonly position: Position;
  readonly acceptedAtMs: number;
}

/** The server has it: from the outbox into the conversation. */
export function moveToConversation(unit: UnitOfWork, { number, row }: Outgoing, sender: DeviceAddress, { position, acceptedAtMs }: Acceptance): void {
  const { conversationId, messageId } = row;
  unit.remove(outboxTable, conversationId, number);
  unit.put(processedTable, [messageId], position);
  if (row.kind !== 'message') return;
  unit.put(contentKeyTable, [messageId], { ...readEnvelope(envelopePlaintext(row)), conversationId, author: sender.accountId });
  const { content, ttlSeconds } = row;
  keepContent(unit, { conversationId, messageId, position, acceptedAtMs, sender, content, ttlSeconds }, Date.now());
}

/** The server will never take it. What the user wrote is kept, `keys` and what would have changed a message are not. */
export function moveToFailed(unit: UnitOfWork, { number, row }: Outgoing, code: ErrorCode): void {
  // It may have been sealed since it was read.
  const { parts = [] } = unit.get(outboxTable, row.conversationId, number) ?? row;
  unit.remove(outboxTable, row.conversationId, number);
  // Some of those who are to have the key may not have got it.
  if (parts.length > 0) unit.remove(ownSenderKeyTable, row.conversationId);
  if (row.kind === 'message' && !isEffect(row.content)) unit.put(failedTable, [row.conversationId, row.messageId], { content: row.content, code });
}
