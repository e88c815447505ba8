import type { ConversationId, DeviceAddress, LinkId } from '../../protocol/ids.js';
import type { HistoryStep } from '../../protocol/rest/link.js';
import type { FilePointer } from '../files/files.js';
import { table } from '../store/table.js';

export interface HistoryWanted {
  readonly to: DeviceAddress;
  /** By which it was linked. */
  readonly linkId: LinkId;
  /** Where it was asked for, and is answered. */
  readonly conversationId: ConversationId;
}
/** Key: `account.device`. Devices of the account that were linked by this one, and have not got what was said before. */
export const historyWantedTable = table<HistoryWanted>('history.wanted');

export interface HistoryOffer extends Omit<FilePointer, 'blobId'> {
  readonly from: DeviceAddress;
  readonly linkId: LinkId;
  readonly conversationId: ConversationId;
}
/** Key: blob id. What was said before this device was linked, to be fetched. */
export const historyOfferTable = table<HistoryOffer>('history.offer');

/** Key: link id. How far this device got with it, which the server has not heard. */
export const linkStepTable = table<HistoryStep>('link.step');
