import { groupBy } from '../../core/group-by.js';
import { positionOf } from '../../core/position.js';
import { visibleReceipts, whoKnowReads } from '../../core/privacy-rules.js';
import { receiptItemOf } from '../../core/receipts.js';
import type { Channels } from '../../ports/channels.js';
import { progressOf, type EventLog } from '../../ports/event-log.js';
import type { Rosters } from '../../ports/rosters.js';
import type { Watermarks } from '../../ports/watermarks.js';
import type { ReadFrame, ReceiptsGetFrame } from '../../protocol/client-frames.js';
import { DomainError } from '../../protocol/errors.js';
import { isChannelId, type ConversationId, type DeviceAddress } from '../../protocol/ids.js';
import { receiptKey } from '../../protocol/log-records.js';
import type { ReceiptItem } from '../../protocol/server-frames.js';
import type { ReceiptWriter } from '../receipt-writer.js';
import { requireChannelMember, requireChannelMembers } from '../require-channel-member.js';
import { requireMember } from '../require-member.js';
import type { Arrived } from './connection.js';
import type { LogCatchUp } from '../log-catch-up.js';

export interface ReadDependencies {
  readonly rosters: Rosters;
  readonly channels: Pick<Channels, 'roles'>;
  readonly eventLog: EventLog;
  readonly receipts: ReceiptWriter;
  readonly epoch: number;
}

/** The account read up to a position: durable when it resolves, then told to its own devices and to the senders, as far as the privacy of both lets it. */
export async function acceptRead(dependencies: ReadDependencies, reader: DeviceAddress, frame: ReadFrame): Promise<void> {
  const { eventLog, receipts, epoch } = dependencies;
  const { conversationId, position } = frame;
  const told = isChannelId(conversationId) ? await toldInChannel(dependencies, reader, frame) : await toldAmongMembers(dependencies, reader, frame);
  const { end } = await progressOf(eventLog, { topic: 'messages', group: 'history-writer' }, conversationId);
  if (position >= positionOf(epoch, end)) throw new DomainError('invalid_frame', 'position: beyond the end', { detail: { field: 'position' } });
  await receipts.read({ conversationId, ...reader, read: position, notify: [...new Set([...told, reader.accountId])] });
}

/** Of the senders those who may know; who went meanwhile is not told. */
async function toldAmongMembers({ rosters }: ReadDependencies, { accountId: reader }: DeviceAddress, { conversationId, senders }: ReadFrame) {
  const roster = await requireMember(rosters, reader, conversationId);
  const knowing = whoKnowReads(roster, reader);
  return senders.filter((sender) => knowing.has(sender));
}

async function toldInChannel({ channels }: ReadDependencies, { accountId: reader }: DeviceAddress, { conversationId, senders }: ReadFrame) {
  if (senders.length > 0)
    throw new DomainError('invalid_frame', 'senders: nobody is told what is read in a channel', { detail: { field: 'senders' } });
  await requireChannelMember(channels, reader, conversationId);
  return [];
}

export interface ReceiptsGetDependencies {
  readonly rosters: Rosters;
  readonly channels: Pick<Channels, 'roles'>;
  readonly watermarks: Watermarks;
  readonly receiptCatchUp: LogCatchUp;
}

/** Watermarks of conversations that the account is in. Throws `unavailable` while receipts that were told before the device was here are not among them. */
export async function answerReceipts(
  dependencies: ReceiptsGetDependencies,
  asker: DeviceAddress,
  { frame, arrivedAtMs }: Arrived<ReceiptsGetFrame>,
): Promise<ReceiptItem[]> {
  const { rosters, watermarks, receiptCatchUp } = dependencies;
  const channels = frame.conversations.filter(isChannelId);
  const conversations = frame.conversations.filter((conversationId) => !isChannelId(conversationId));
  const ofChannels = await receiptsOfChannels(dependencies, asker, { channels, arrivedAtMs });
  const members = await Promise.all(conversations.map((conversationId) => requireMember(rosters, asker.accountId, conversationId)));
  await Promise.all(conversations.map((conversationId) => receiptCatchUp.passed(conversationId, arrivedAtMs)));
  const marks = groupBy(await watermarks.of([...new Set(conversations)]), ({ conversationId }) => conversationId);
  const visible = members.flatMap((roster) => visibleReceipts(roster, asker.accountId, marks.get(roster.conversationId) ?? []));
  return [...visible.map(receiptItemOf), ...ofChannels];
}

/** Only how far the asker itself read. */
async function receiptsOfChannels(
  { channels: directory, watermarks, receiptCatchUp }: ReceiptsGetDependencies,
  { accountId }: DeviceAddress,
  { channels, arrivedAtMs }: { readonly channels: readonly ConversationId[]; readonly arrivedAtMs: number },
): Promise<ReceiptItem[]> {
  if (channels.length === 0) return [];
  await requireChannelMembers(directory, accountId, channels);
  await receiptCatchUp.passed(receiptKey({ conversationId: channels[0] as ConversationId, accountId }), arrivedAtMs);
  return (await watermarks.of([...new Set(channels)], accountId)).map(receiptItemOf);
}
