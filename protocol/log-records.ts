import { Packr } from 'msgpackr';

import type { Envelope } from './client-frames.js';
import { packDevices, unpackDevices } from './packed-devices.js';
import {
  isChannelId,
  type AccountId,
  type BlobId,
  type ConversationId,
  type DeviceAddress,
  type DeviceId,
  type MessageId,
  type Position,
} from './ids.js';
import type { ItemKind } from './server-frames.js';

/** What a gateway appends to the `messages` topic, and every pipeline stage reads. Key: the conversation id. */
export interface MessageRecord {
  readonly messageId: MessageId;
  readonly conversationId: ConversationId;
  readonly kind: ItemKind;
  readonly sender: DeviceAddress;
  /** Over 1: the device may have sent this before; the history-writer then looks for a first position. */
  readonly attempt: number;
  /** What each of these devices gets beside the body. */
  readonly envelopes: readonly Envelope[];
  /** Devices that get the body with the one `envelope`, if there is one. Of a post in a channel nobody: its members pull it. Nobody but these and those of the envelopes gets the message, whoever joins or leaves meanwhile. */
  readonly recipients?: readonly DeviceAddress[] | undefined;
  readonly envelope?: Pick<Envelope, 'type' | 'content'> | undefined;
  readonly body?: Uint8Array | undefined;
  readonly media?: readonly BlobId[] | undefined;
  readonly ttlSeconds?: number | undefined;
  /** The other account of the direct conversation blocked the sender: only devices of the sender's account get it, and only they see it in history. */
  readonly withheld?: true | undefined;
}

/** What a gateway appends to the `receipts` topic. Key: `receiptKey`. */
export interface ReceiptRecord {
  readonly conversationId: ConversationId;
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly delivered?: Position | undefined;
  readonly read?: Position | undefined;
  /** What the device does not have though `delivered` may be past it: it is in quarantine. */
  readonly except?: readonly Position[] | undefined;
  /** What was in `except`, and is on the device now. */
  readonly arrived?: readonly Position[] | undefined;
  /** Accounts whose devices are told. */
  readonly notify: readonly AccountId[];
  /** Of records that were merged: those of them that are told `read`. Without it all of them. */
  readonly notifyRead?: readonly AccountId[] | undefined;
}

/** Whose order a receipt keeps: that of its conversation; of a channel that of the account, so that the reads of a large one are spread over the log. */
export function receiptKey({ conversationId, accountId }: Pick<ReceiptRecord, 'conversationId' | 'accountId'>): string {
  return isChannelId(conversationId) ? accountId : conversationId;
}

/** What asks that a device be woken, in the `push` topic. Key: the account id. */
export interface WakeUpRecord extends DeviceAddress {
  /** Until then the device may come back by itself. */
  readonly notBeforeMs: number;
  /** Not only for what waits in its inbox: others took its prekeys. */
  readonly forKeys?: true;
}

const version = 1;
const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true });

export function encodeMessageRecord({ recipients, ...record }: MessageRecord): Uint8Array {
  return encode(recipients === undefined ? record : { ...record, recipients: packDevices(recipients) });
}

export const decodeMessageRecord = (value: Uint8Array): MessageRecord => decodeOnce(value);
export const encodeWakeUpRecord = (record: WakeUpRecord): Uint8Array => encode(record);
export const decodeWakeUpRecord = (value: Uint8Array): WakeUpRecord => decode(value) as WakeUpRecord;

/** A receipt as it is appended: under the key whose order it keeps. */
export function receiptEntry(record: ReceiptRecord): { readonly key: string; readonly value: Uint8Array } {
  return { key: receiptKey(record), value: encode(record) };
}

export const decodeReceiptRecord = (value: Uint8Array): ReceiptRecord => decode(value) as ReceiptRecord;

/** Consumer groups of one process are handed the same bytes: they are decoded for the first of them. Nobody changes a record. */
const decoded = new WeakMap<Uint8Array, MessageRecord>();

function decodeOnce(value: Uint8Array): MessageRecord {
  const known = decoded.get(value);
  if (known !== undefined) return known;
  const stored = decode(value) as Omit<MessageRecord, 'recipients'> & { readonly recipients?: Uint8Array };
  const record: MessageRecord = { ...stored, recipients: stored.recipients && unpackDevices(stored.recipients) };
  decoded.set(value, record);
  return record;
}

/** A leading version byte, then msgpack. */
function encode(record: object): Uint8Array {
  const packed = packr.pack(record);
  const value = Buffer.allocUnsafe(packed.byteLength + 1);
  value[0] = version;
  packed.copy(value, 1);
  return value;
}

function decode(value: Uint8Array): unknown {
  if (value[0] !== version) throw new Error(`log record of version ${value[0]}; this build reads version ${version}`);
  return packr.unpack(value.subarray(1));
}
