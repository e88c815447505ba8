import type { InboxPlace, Suspect } from '../core/suspicion.js';
import type { ConversationId, DeviceAddress, MessageId, Position } from '../protocol/ids.js';
import type { ItemKind } from '../protocol/server-frames.js';

/** An item that waits for a device. The body of a `message` is in History, once for all devices. */
export interface InboxRow {
  readonly conversationId: ConversationId;
  readonly position: Position;
  readonly messageId: MessageId;
  readonly kind: ItemKind;
  readonly sender: DeviceAddress;
  readonly acceptedAtMs: number;
  readonly queuedAtMs: number;
  readonly envelope?: { readonly type: number; readonly content: Uint8Array } | undefined;
}

export interface InboxEntry {
  readonly device: DeviceAddress;
  readonly row: InboxRow;
}

export interface InboxRange {
  readonly conversationId: ConversationId;
  /** Both ends belong to it. */
  readonly first: Position;
  readonly last: Position;
}

export interface InboxLimit {
  readonly maxRows: number;
  /** About so many bytes of envelopes. */
  readonly maxBytes: number;
  /** Passes over this conversation and all before it, so that one that has to wait holds up no other. Left out: from the first row. */
  readonly afterConversation?: ConversationId | undefined;
}

export interface InboxPage {
  readonly rows: readonly InboxRow[];
  /** Whether rows beyond this page were there when it was read. */
  readonly more: boolean;
  /** Of the device: those in quarantine are not among the page's rows (ports/quarantine.ts). They need not be told when the inbox has no row. */
  readonly suspects: readonly Suspect[];
}

/**
 * Rows per device, ordered by (conversation, position).
 *
 * Idempotence key: (device, conversation, position); a second `put` changes nothing.
 * Visibility: `put` resolves when a later `read` by anybody sees the rows and a crash of any process cannot take them back. Meanwhile rows of one device appear in the order
 * of the entries: a read that sees one sees those before it. Removal by range is sound because of that.
 * Expiry: 30 days after `queuedAtMs`.
 * Throws DomainError `unavailable` when the store is away.
 */
export interface Inbox {
  put(entries: readonly InboxEntry[]): Promise<void>;
  /** The first rows in order that are not in quarantine, within the limit; at least one if any. */
  read(device: DeviceAddress, limit: InboxLimit): Promise<InboxPage>;
  /** Since when one item waits, of each device in the order given; `undefined` where it has no row for it. */
  queuedAtMs(devices: readonly DeviceAddress[], item: InboxPlace): Promise<readonly (number | undefined)[]>;
  remove(device: DeviceAddress, ranges: readonly InboxRange[]): Promise<void>;
  /** Removes all rows of the device, and all that is held against them. */
  clear(device: DeviceAddress): Promise<void>;
}
