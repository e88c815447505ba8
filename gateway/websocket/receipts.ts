import { groupBy } from '../../core/group-by.js';
import { positionOf } from '../../core/position.js';
import { mayKnowRead, visibleReceipts } from '../../core/privacy-rules.js';
import { receiptItemOf } from '../../core/receipts.js';
import type { EventLog } from '../../ports/event-log.js';
import type { Rosters } from '../../ports/rosters.js';
import type { Watermarks } from '../../ports/watermarks.js';
import type { ReadFrame, ReceiptsGetFrame } from '../../protocol/client-frames.js';
import { DomainError } from '../../protocol/errors.js';
import type { DeviceAddress } from '../../protocol/ids.js';
import type { ReceiptItem } from '../../protocol/server-frames.js';
import type { ReceiptWriter } from '../receipt-writer.js';
import { requireMember } from '../require-member.js';
import type { Arrived } from './connection.js';
import type { LogCatchUp } from './log-catch-up.js';

export interface ReadDependencies {
  readonly rosters: Rosters;
  readonly eventLog: EventLog;
  readonly receipts: ReceiptWriter;
  readonly epoch: number;
}

/** The account read up to a position: durable when it resolves, then told to its own devices and to the senders, as far as the privacy of both lets it. */
export async function acceptRead(dependencies: ReadDependencies, reader: DeviceAddress, frame: ReadFrame): Promise<void> {
  const { rosters, eventLog, receipts, epoch } = dependencies;
  const { conversationId, position, senders } = frame;
  const roster = await requireMember(rosters, reader.accountId, conversationId);
  const stranger = senders.findIndex((sender) => !roster.members.some(({ accountId }) => accountId === sender));
  if (stranger >= 0) throw new DomainError('invalid_frame', `senders.${stranger}: not a member`, { detail: { field: `senders.${stranger}` } });
  const partition = eventLog.partitionOf('messages', conversationId);
  const end = (await eventLog.progress('messages', 'history-writer')).find((of) => of.partition === partition)?.end ?? 0;
  if (position >= positionOf(epoch, end)) throw new DomainError('invalid_frame', 'position: beyond the end', { detail: { field: 'position' } });
  const told = senders.filter((sender) => mayKnowRead(roster, reader.accountId, sender));
  await receipts.read({ conversationId, ...reader, read: position, notify: [...new Set([...told, reader.accountId])] });
}

export interface ReceiptsGetDependencies {
  readonly rosters: Rosters;
  readonly watermarks: Watermarks;
  readonly receiptCatchUp: LogCatchUp;
}

/** Watermarks of conversations that the account is in. Throws `unavailable` while receipts that were told before the device was here are not among them. */
export async function answerReceipts(
  { rosters, watermarks, receiptCatchUp }: ReceiptsGetDependencies,
  asker: DeviceAddress,
  { frame: { conversations }, arrivedAtMs }: Arrived<ReceiptsGetFrame>,
): Promise<ReceiptItem[]> {
  const members = await Promise.all(conversations.map((conversationId) => requireMember(rosters, asker.accountId, conversationId)));
  await Promise.all(conversations.map((conversationId) => receiptCatchUp.passed(conversationId, arrivedAtMs)));
  const marks = groupBy(await watermarks.of([...new Set(conversations)]), ({ conversationId }) => conversationId);
  return members.flatMap((roster) => visibleReceipts(roster, asker.accountId, marks.get(roster.conversationId) ?? []).map(receiptItemOf));
}
