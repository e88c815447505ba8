import type { Inbox, InboxRow } from '../../ports/inbox.js';
import type { ConversationId, DeviceAddress, MessageId } from '../../protocol/ids.js';
import { afterPrefix, KeyWriter, positionAt, positionBytes, uuidAt, uuidBytes } from './keys.js';
import type { LmdbStore } from './lmdb-store.js';
import { packRow, unpackRow } from './rows.js';
import { sweep, type Sweep } from './sweep.js';

const deviceBytes = uuidBytes + 1;
const rowKeyBytes = deviceBytes + uuidBytes + positionBytes;

export interface LmdbInbox extends Inbox {
  readonly sweepExpired: Sweep;
}

export function createLmdbInbox(store: LmdbStore, options: { readonly maxAgeMs: number }): LmdbInbox {
  const rows = store.database('inbox');
  const keyOf = (device: DeviceAddress, { conversationId, position }: Pick<InboxRow, 'conversationId' | 'position'>) =>
    new KeyWriter(rowKeyBytes).device(device).uuid(conversationId).position(position).key;
  const rangeOf = (device: DeviceAddress) => {
    const prefix = new KeyWriter(deviceBytes).device(device).key;
    return { start: prefix, end: afterPrefix(prefix) };
  };

  return {
    put: async (entries) => {
      await Promise.all(entries.map(({ device, row }) => rows.put(keyOf(device, row), encode(row))));
    },

    read: (device, { maxRows, maxBytes, afterConversation }) => {
      const { start, end } = rangeOf(device);
      const from =
        afterConversation === undefined ? start : afterPrefix(new KeyWriter(deviceBytes + uuidBytes).device(device).uuid(afterConversation).key);
      const page: InboxRow[] = [];
      let bytes = 0;
      for (const { key, value } of rows.range({ start: from, end, limit: maxRows + 1 })) {
        if (page.length === maxRows || (page.length > 0 && bytes + value.byteLength > maxBytes)) return Promise.resolve({ rows: page, more: true });
        page.push(decode(key, value));
        bytes += value.byteLength;
      }
      return Promise.resolve({ rows: page, more: false });
    },

    queuedAtMs: (devices, item) =>
      Promise.resolve(
        devices.map((device) => {
          const row = rows.get(keyOf(device, item));
          return row && queuedAtMsOf(row);
        }),
      ),

    remove: async (device, ranges) => {
      const removals: Promise<unknown>[] = [];
      for (const { conversationId, first, last } of ranges) {
        const end = keyOf(device, { conversationId, position: last + 1 });
        for (const key of rows.keys({ start: keyOf(device, { conversationId, position: first }), end })) removals.push(rows.remove(key));
      }
      await Promise.all(removals);
    },

    clear: async (device) => {
      const removals: Promise<unknown>[] = [];
      for (const key of rows.keys(rangeOf(device))) removals.push(rows.remove(key));
      await Promise.all(removals);
    },

    sweepExpired: sweep(rows, (value, nowMs) => queuedAtMsOf(value) + options.maxAgeMs <= nowMs),
  };
}

type StoredRow = [
  messageId: MessageId,
  kind: InboxRow['kind'],
  accountId: DeviceAddress['accountId'],
  deviceId: DeviceAddress['deviceId'],
  acceptedAtMs: number,
  queuedAtMs: number,
  envelopeType: number | null,
  envelopeContent: Buffer | null,
];

function queuedAtMsOf(value: Buffer): number {
  return (unpackRow(value) as StoredRow)[5];
}

function encode({ messageId, kind, sender, acceptedAtMs, queuedAtMs, envelope }: InboxRow): Buffer {
  return packRow([messageId, kind, sender.accountId, sender.deviceId, acceptedAtMs, queuedAtMs, envelope?.type ?? null, envelope?.content ?? null]);
}

function decode(key: Buffer, value: Buffer): InboxRow {
  const [messageId, kind, accountId, deviceId, acceptedAtMs, queuedAtMs, type, content] = unpackRow(value) as StoredRow;
  return {
    conversationId: uuidAt(key, deviceBytes) as ConversationId,
    position: positionAt(key, deviceBytes + uuidBytes),
    messageId,
    kind,
    sender: { accountId, deviceId },
    acceptedAtMs,
    queuedAtMs,
    ...(type === null || content === null ? {} : { envelope: { type, content } }),
  };
}
