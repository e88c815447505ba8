import type { Inbox, InboxRow } from '../../ports/inbox.js';
import type { Quarantine } from '../../ports/quarantine.js';
import type { DeviceAddress, MessageId } from '../../protocol/ids.js';
import { deviceRange, inboxKey, placeAt } from './inbox-keys.js';
import type { LmdbStore } from './lmdb-store.js';
import { createLmdbSuspicions } from './lmdb-suspicions.js';
import { packRow, unpackRow } from './rows.js';
import { sweep, type Sweep } from './sweep.js';

export interface LmdbInbox extends Inbox {
  readonly quarantine: Quarantine;
  readonly sweepExpired: Sweep;
}

export function createLmdbInbox(store: LmdbStore, options: { readonly maxAgeMs: number }): LmdbInbox {
  const rows = store.database('inbox');
  const suspicions = createLmdbSuspicions(store, options);
  const sweepRows = sweep(rows, (value, nowMs) => queuedAtMsOf(value) + options.maxAgeMs <= nowMs);

  return {
    put: async (entries) => {
      await Promise.all(entries.map(({ device, row }) => rows.put(inboxKey(device, row), encode(row))));
    },

    read: (device, { maxRows, maxBytes, afterConversation }) => {
      const suspects = suspicions.suspects(device);
      const passedOver = suspects.filter(({ state }) => state === 'quarantined').map((item) => inboxKey(device, item));
      const page: InboxRow[] = [];
      let bytes = 0;
      for (const { key, value } of rows.range({ ...deviceRange(device, afterConversation), limit: maxRows + 1 + passedOver.length })) {
        if (passedOver.some((of) => of.equals(key))) continue;
        if (page.length === maxRows || (page.length > 0 && bytes + value.byteLength > maxBytes)) {
          return Promise.resolve({ rows: page, more: true, suspects });
        }
        page.push(decode(key, value));
        bytes += value.byteLength;
      }
      return Promise.resolve({ rows: page, more: false, suspects });
    },

    queuedAtMs: (devices, item) =>
      Promise.resolve(
        devices.map((device) => {
          const row = rows.get(inboxKey(device, item));
          return row && queuedAtMsOf(row);
        }),
      ),

    remove: async (device, ranges) => {
      const removals: Promise<unknown>[] = [];
      for (const { conversationId, first, last } of ranges) {
        const end = inboxKey(device, { conversationId, position: last + 1 });
        for (const key of rows.keys({ start: inboxKey(device, { conversationId, position: first }), end })) removals.push(rows.remove(key));
      }
      await Promise.all(removals);
    },

    clear: async (device) => {
      const removals: Promise<unknown>[] = [];
      for (const key of rows.keys(deviceRange(device))) removals.push(rows.remove(key));
      await Promise.all([...removals, suspicions.clear(device)]);
    },

    quarantine: suspicions,

    sweepExpired: async (nowMs) => {
      await Promise.all([sweepRows(nowMs), suspicions.sweepExpired(nowMs)]);
    },
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
    ...placeAt(key),
    messageId,
    kind,
    sender: { accountId, deviceId },
    acceptedAtMs,
    queuedAtMs,
    ...(type === null || content === null ? {} : { envelope: { type, content } }),
  };
}
