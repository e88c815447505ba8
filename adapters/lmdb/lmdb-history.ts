import { isKept } from '../../core/kept-kind.js';
import { isExpired } from '../../core/message-expiry.js';
import { isShownTo } from '../../core/privacy-rules.js';
import type { Clock } from '../../ports/clock.js';
import type { History, HistoryQuery, MessageLocation, RowKey, StoredAlias, StoredMessage } from '../../ports/history.js';
import type { BlobId, ConversationId, DeviceAddress, MessageId } from '../../protocol/ids.js';
import { afterPrefix, KeyWriter, positionAt, positionBytes, uuidAt, uuidBytes } from './keys.js';
import type { LmdbStore } from './lmdb-store.js';
import { packRow, unpackRow } from './rows.js';
import { sweep, type Sweep } from './sweep.js';
import type { LmdbTable } from './lmdb-table.js';

const rowKeyBytes = uuidBytes + positionBytes;

export interface LmdbHistory extends History {
  readonly sweepExpired: Sweep;
}

export interface LmdbHistoryOptions {
  readonly clock: Clock;
  readonly maxAgeMs: number;
  readonly indexMaxAgeMs: number;
}

export function createLmdbHistory(store: LmdbStore, options: LmdbHistoryOptions): LmdbHistory {
  const rows = store.database('history');
  const index = store.database('message-index');
  const sweepRows = sweep(rows, (value, nowMs) => expiresAtMsOf(value, options.maxAgeMs) <= nowMs);
  const sweepIndex = sweep(index, (value, nowMs) => (unpackRow(value) as StoredLocation)[2] + options.indexMaxAgeMs <= nowMs);

  return {
    append: async (messages, aliases) => {
      const writes: Promise<unknown>[] = [];
      const indexed = new Set<MessageId>();
      for (const message of messages) {
        if (isKept(message.kind)) writes.push(rows.put(rowKey(message), encodeMessage(message)));
        const key = new KeyWriter(uuidBytes).uuid(message.messageId).key;
        if (indexed.has(message.messageId) || index.has(key)) continue;
        indexed.add(message.messageId);
        writes.push(index.put(key, encodeLocation(message)));
      }
      for (const alias of aliases) writes.push(rows.put(rowKey(alias), packRow([alias.acceptedAtMs, alias.duplicateOf])));
      await Promise.all(writes);
    },

    find: (messageIds) =>
      Promise.resolve(
        messageIds.map((messageId) => {
          const value = index.get(new KeyWriter(uuidBytes).uuid(messageId).key);
          return value === undefined ? undefined : decodeLocation(value);
        }),
      ),

    page: (query) => Promise.resolve(pageOf(rows, query, options.clock.nowMs())),

    read: (keys) => {
      const nowMs = options.clock.nowMs();
      return Promise.resolve(
        keys.map((key) => {
          const value = rows.get(rowKey(key));
          if (value === undefined) return undefined;
          const stored = decode(key, value);
          return 'duplicateOf' in stored || !isExpired(stored, nowMs) ? stored : { ...stored, body: undefined, media: undefined };
        }),
      );
    },

    sweepExpired: async (nowMs) => {
      await Promise.all([sweepRows(nowMs), sweepIndex(nowMs)]);
    },
  };
}

function pageOf(rows: LmdbTable<Buffer>, { conversationId, viewer, before, after, limit }: HistoryQuery, nowMs: number): StoredMessage[] {
  const prefix = new KeyWriter(uuidBytes).uuid(conversationId).key;
  const from = after === undefined ? prefix : rowKey({ conversationId, position: after + 1 });
  const to = before === undefined ? afterPrefix(prefix) : rowKey({ conversationId, position: before });
  const reverse = after === undefined || before !== undefined;
  const page: StoredMessage[] = [];
  // A reversed range begins at its start, which belongs to it, so it starts just below the end.
  const range = reverse ? { start: to, end: from, reverse, exclusiveStart: true, inclusiveEnd: true } : { start: from, end: to };
  for (const { key, value } of rows.range(range)) {
    if (page.length === limit) break;
    const stored = decode({ conversationId: uuidAt(key, 0) as ConversationId, position: positionAt(key, uuidBytes) }, value);
    if (!('duplicateOf' in stored) && !isExpired(stored, nowMs) && isShownTo(viewer, stored)) page.push(stored);
  }
  return page;
}

function rowKey({ conversationId, position }: Pick<RowKey, 'conversationId' | 'position'>): Buffer {
  return new KeyWriter(rowKeyBytes).uuid(conversationId).position(position).key;
}

/** An alias has two fields. */
type StoredRow =
  | [acceptedAtMs: number, duplicateOf: number]
  | [
      acceptedAtMs: number,
      messageId: MessageId,
      kind: StoredMessage['kind'],
      accountId: DeviceAddress['accountId'],
      deviceId: DeviceAddress['deviceId'],
      digest: Buffer,
      body: Buffer | null,
      media: BlobId[] | null,
      ttlSeconds: number | null,
      withheld?: true,
    ];

type StoredLocation = [
  conversationId: ConversationId,
  position: number,
  acceptedAtMs: number,
  accountId: DeviceAddress['accountId'],
  deviceId: DeviceAddress['deviceId'],
  digest: Buffer,
];

/** By its own time, or by its age, whichever comes first. */
function expiresAtMsOf(value: Buffer, maxAgeMs: number): number {
  const row = unpackRow(value) as StoredRow;
  const ttlSeconds = row.length === 2 ? null : row[8];
  return row[0] + Math.min(maxAgeMs, ttlSeconds === null ? Infinity : ttlSeconds * 1_000);
}

function encodeMessage({ acceptedAtMs, messageId, kind, sender, digest, body, media, ttlSeconds, withheld }: StoredMessage): Buffer {
  const optional = [body ?? null, media ?? null, ttlSeconds ?? null, ...(withheld === true ? [withheld] : [])];
  return packRow([acceptedAtMs, messageId, kind, sender.accountId, sender.deviceId, digest, ...optional]);
}

function decode(key: Pick<RowKey, 'conversationId' | 'position'>, value: Buffer): StoredMessage | StoredAlias {
  const { conversationId, position } = key;
  const row = unpackRow(value) as StoredRow;
  if (row.length === 2) return { conversationId, position, acceptedAtMs: row[0], duplicateOf: row[1] };
  const [acceptedAtMs, messageId, kind, accountId, deviceId, digest, body, media, ttlSeconds, withheld] = row;
  return {
    conversationId,
    position,
    acceptedAtMs,
    messageId,
    kind,
    sender: { accountId, deviceId },
    digest,
    ...(body === null ? {} : { body }),
    ...(media === null ? {} : { media }),
    ...(ttlSeconds === null ? {} : { ttlSeconds }),
    ...(withheld === true ? { withheld } : {}),
  };
}

function encodeLocation({ conversationId, position, acceptedAtMs, sender, digest }: StoredMessage): Buffer {
  return packRow([conversationId, position, acceptedAtMs, sender.accountId, sender.deviceId, digest]);
}

function decodeLocation(value: Buffer): MessageLocation {
  const [conversationId, position, acceptedAtMs, accountId, deviceId, digest] = unpackRow(value) as StoredLocation;
  return { conversationId, position, acceptedAtMs, sender: { accountId, deviceId }, digest };
}
