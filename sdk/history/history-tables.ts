import type { ConversationId, DeviceAddress } from '../../protocol/ids.js';
import type { FilePointer } from '../files/files.js';
import { table } from '../store/table.js';

export interface HistoryWanted {
  readonly to: DeviceAddress;
  /** Where it was asked for, and is answered. */
  readonly conversationId: ConversationId;
}
/** Key: `account.device`. Devices of the account that were linked by this one, and have not got what was said before. */
export const historyWantedTable = table<HistoryWanted>('history.wanted');

export interface HistoryOffer extends Omit<FilePointer, 'blobId'> {
  readonly from: DeviceAddress;
  readonly conversationId: ConversationId;
}
/** Key: blob id. What was said before this device was linked, to be fetched. */
export const historyOfferTable = table<HistoryOffer>('history.offer');
