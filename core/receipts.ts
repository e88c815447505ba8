import { exceptAfter, type ExceptChange } from '../protocol/except.js';
import type { AccountId, ConversationId, DeviceAddress, Position } from '../protocol/ids.js';
import type { ReceiptRecord } from '../protocol/log-records.js';
import type { DeliverItem, ReceiptChange, ReceiptItem } from '../protocol/server-frames.js';
import type { ReceiptMark } from './privacy-rules.js';

/** Only messages of other accounts earn a receipt; one record for each conversation, at its highest position. */
export function deliveredReceipts(device: DeviceAddress, items: readonly DeliverItem[]): ReceiptRecord[] {
  const byConversation = new Map<ConversationId, { delivered: number; notify: Set<AccountId> }>();
  for (const { kind, sender, conversationId, position } of items) {
    if (kind !== 'message' || sender.accountId === device.accountId) continue;
    const known = byConversation.get(conversationId);
    if (known === undefined) byConversation.set(conversationId, { delivered: position, notify: new Set([sender.accountId]) });
    else {
      known.delivered = Math.max(known.delivered, position);
      known.notify.add(sender.accountId);
    }
  }
  return [...byConversation].map(([conversationId, { delivered, notify }]) => ({ conversationId, ...device, delivered, notify: [...notify] }));
}

/** Watermarks are monotone, so of several records for one conversation and device the highest positions are enough. */
export function mergeReceipts(records: readonly ReceiptRecord[]): ReceiptRecord[] {
  if (records.length === 1) return [...records];
  const merged = new Map<string, ReceiptRecord>();
  for (const record of records) {
    const key = `${record.conversationId}/${record.accountId}.${record.deviceId}`;
    const known = merged.get(key);
    merged.set(key, known === undefined ? record : mergeTwo(known, record));
  }
  return [...merged.values()];
}

function mergeTwo(one: ReceiptRecord, other: ReceiptRecord): ReceiptRecord {
  const read = highest(one.read, other.read);
  return {
    ...one,
    ...mergeExcept(one, other),
    delivered: highest(one.delivered, other.delivered),
    notify: [...new Set([...one.notify, ...other.notify])],
    ...(read === undefined ? {} : { read, notifyRead: [...new Set([...toldRead(one), ...toldRead(other)])] }),
  };
}

function mergeExcept(one: ExceptChange, other: ExceptChange): ExceptChange {
  if ([one, other].every(({ except, arrived }) => except === undefined && arrived === undefined)) return {};
  const arrived = [...new Set([...(one.arrived ?? []), ...(other.arrived ?? [])])];
  return { except: exceptAfter(one.except, { except: other.except, arrived }), arrived };
}

/** Who is told what the record says was read. */
function toldRead({ read, notify, notifyRead = notify }: ReceiptRecord): readonly AccountId[] {
  return read === undefined ? [] : notifyRead;
}

/** A receipt as one of those who are told gets it. */
export function receiptItemFor(accountId: AccountId, record: ReceiptRecord): ReceiptChange {
  const isHidden = record.read !== undefined && !toldRead(record).includes(accountId);
  return { ...receiptItemOf(isHidden ? { ...record, read: undefined } : record), ...ifAny('arrived', record.arrived) };
}

function highest(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.max(one, other);
}

function ifAny<Name extends string>(name: Name, positions: readonly Position[] = []): Partial<Record<Name, Position[]>> {
  return positions.length === 0 ? {} : ({ [name]: [...positions] } as Record<Name, Position[]>);
}

/** A watermark as devices get it. */
export function receiptItemOf({ conversationId, accountId, deviceId, delivered, read, except }: ReceiptMark): ReceiptItem {
  return {
    conversationId,
    accountId,
    deviceId,
    ...(delivered === undefined ? {} : { deliveredPosition: delivered }),
    ...(read === undefined ? {} : { readPosition: read }),
    ...ifAny('except', except),
  };
}
