import { types } from 'cassandra-driver';
import { LRUCache } from 'lru-cache';

import { isKept } from '../../core/kept-kind.js';
import { isExpired } from '../../core/message-expiry.js';
import { isShownTo } from '../../core/privacy-rules.js';
import type { Clock } from '../../ports/clock.js';
import type { History, HistoryQuery, MessageLocation, RowKey, StoredAlias, StoredMessage } from '../../ports/history.js';
import type { AccountId, BlobId, ConversationId, DeviceId, MessageId, Position } from '../../protocol/ids.js';
import { batchesOf, type SizedStatement } from './batches-of.js';
import type { CassandraClient } from './cassandra-client.js';
import { groupBy } from '../../core/group-by.js';

const bucketMs = 7 * 24 * 3_600_000;
/** Buckets that were written to lately need not be told again. */
const rememberedBuckets = 200_000;
/** Above every position: the timestamp of a first position is this less the position, so that the lowest one wins. */
const aboveAllPositions = Number.MAX_SAFE_INTEGER;

const columns =
  'conversation_id, bucket, position, message_id, kind, sender_account, sender_device, accepted_at, digest, body, media, ttl_seconds, withheld';
const insertMessage = `INSERT INTO message_by_conversation (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TTL ?`;
const insertAlias =
  'INSERT INTO message_by_conversation (conversation_id, bucket, position, accepted_at, duplicate_of) VALUES (?, ?, ?, ?, ?) USING TTL ?';
const insertBucket = 'INSERT INTO bucket_by_conversation (conversation_id, bucket, first_position) VALUES (?, ?, ?) USING TIMESTAMP ? AND TTL ?';
const insertLocation =
  'INSERT INTO message_by_id (message_id, conversation_id, position, sender_account, sender_device, accepted_at, digest) VALUES (?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ? AND TTL ?';
const selectLocation = 'SELECT * FROM message_by_id WHERE message_id = ?';
const selectBuckets = 'SELECT bucket, first_position FROM bucket_by_conversation WHERE conversation_id = ?';
const selectRows = 'SELECT * FROM message_by_conversation WHERE conversation_id = ? AND bucket = ? AND position IN ?';
const selectRange = 'SELECT * FROM message_by_conversation WHERE conversation_id = ? AND bucket = ? AND position > ? AND position < ?';

export interface CassandraHistoryOptions {
  readonly clock: Clock;
  readonly maxAgeMs: number;
  readonly indexMaxAgeMs: number;
}

export function createCassandraHistory(client: CassandraClient, options: CassandraHistoryOptions): History {
  return new CassandraHistory(client, options);
}

class CassandraHistory implements History {
  readonly #client: CassandraClient;
  readonly #options: CassandraHistoryOptions;
  /** Grows with what is in it: by `max` it would take all its memory at once. */
  readonly #knownBuckets = new LRUCache<string, true>({ maxSize: rememberedBuckets, sizeCalculation: () => 1 });

  constructor(client: CassandraClient, options: CassandraHistoryOptions) {
    this.#client = client;
    this.#options = options;
  }

  async append(messages: readonly StoredMessage[], aliases: readonly StoredAlias[]): Promise<void> {
    const kept = [...messages.filter(({ kind }) => isKept(kind)), ...aliases];
    const partitions = groupBy(kept, partitionKey);
    const fresh = [...partitions].filter(([key]) => !this.#knownBuckets.has(key));
    const buckets = fresh.map(([, [first]]) => [this.#bucketOf(first)]);
    await this.#client.write([
      ...buckets.map((bucket) => [bucket]),
      // In order, so that whoever reads on behind the last row it saw misses none.
      ...[...partitions.values()].map((ofOne) => batchesOf(ofOne.map((row) => this.#rowOf(row)))),
      ...messages.map((message) => [[this.#locationOf(message)]]),
    ]);
    for (const [key] of fresh) this.#knownBuckets.set(key, true);
  }

  async find(messageIds: readonly MessageId[]): Promise<readonly (MessageLocation | undefined)[]> {
    const rows = await this.#client.rowsOfEach(
      selectLocation,
      messageIds.map((messageId) => [messageId]),
    );
    return rows.map(([row]) => (row === undefined ? undefined : decodeLocation(row)));
  }

  async page({ conversationId, viewer, before = Number.MAX_SAFE_INTEGER, after = -1, limit }: HistoryQuery): Promise<readonly StoredMessage[]> {
    const oldestFirst = after >= 0 && before === Number.MAX_SAFE_INTEGER;
    const buckets = await this.#bucketsBetween(conversationId, after, before);
    const nowMs = this.#options.clock.nowMs();
    const page: StoredMessage[] = [];
    for (const bucket of oldestFirst ? buckets.reverse() : buckets) {
      for await (const stored of this.#walk({ conversationId, bucket, after, before, oldestFirst, limit })) {
        if (!('duplicateOf' in stored) && !isExpired(stored, nowMs) && isShownTo(viewer, stored)) page.push(stored);
        if (page.length === limit) return page;
      }
    }
    return page;
  }

  async read(keys: readonly RowKey[]): Promise<readonly (StoredMessage | StoredAlias | undefined)[]> {
    const partitions = [...groupBy(keys, partitionKey).values()];
    const rows = await this.#client.rowsOfEach(
      selectRows,
      partitions.map((ofOne) => [ofOne[0].conversationId, bucketAt(ofOne[0].acceptedAtMs), ofOne.map(({ position }) => position)]),
    );
    const found = new Map(
      rows
        .flat()
        .map((row) => decode(row))
        .map((stored) => [rowKey(stored), stored]),
    );
    const nowMs = this.#options.clock.nowMs();
    return keys.map((key) => {
      const stored = found.get(rowKey(key));
      const isShown = stored === undefined || 'duplicateOf' in stored || !isExpired(stored, nowMs);
      return isShown ? stored : { ...stored, body: undefined, media: undefined };
    });
  }

  /** Newest first. A bucket holds positions from its first up to that of the next one. */
  async #bucketsBetween(conversationId: ConversationId, after: Position, before: Position): Promise<number[]> {
    const rows = await this.#client.rows(selectBuckets, conversationId);
    const buckets = rows.map((row) => ({ bucket: row.get('bucket') as number, first: (row.get('first_position') as types.Long).toNumber() }));
    return buckets.filter(({ first }, index) => first < before && (buckets[index - 1]?.first ?? Infinity) > after).map(({ bucket }) => bucket);
  }

  async *#walk(range: BucketRange): AsyncGenerator<StoredMessage | StoredAlias> {
    const { conversationId, bucket, oldestFirst, limit } = range;
    let { after, before } = range;
    const order = oldestFirst ? 'ASC' : 'DESC';
    for (;;) {
      const rows = await this.#client.rows(`${selectRange} ORDER BY position ${order} LIMIT ?`, conversationId, bucket, after, before, limit);
      const found = rows.map(decode);
      yield* found;
      const last = found.at(-1)?.position;
      if (last === undefined || found.length < limit) return;
      if (oldestFirst) after = last;
      else before = last;
    }
  }

  #rowOf(row: StoredMessage | StoredAlias): SizedStatement {
    const { conversationId, position, acceptedAtMs } = row;
    const maxAgeSeconds = Math.ceil(this.#options.maxAgeMs / 1_000);
    const place = [conversationId, bucketAt(acceptedAtMs), position];
    if ('duplicateOf' in row) return { query: insertAlias, params: [...place, acceptedAtMs, row.duplicateOf, maxAgeSeconds], bytes: 0 };
    const { messageId, kind, sender, digest, body, media, ttlSeconds: ownTtl, withheld } = row;
    const keptSeconds = ownTtl === undefined ? maxAgeSeconds : Math.min(maxAgeSeconds, this.#secondsLeft(acceptedAtMs, ownTtl));
    // What is not there is left unset: a null would be a tombstone.
    const optional = [body, media, ownTtl, withheld].map((value) => value ?? types.unset);
    return {
      query: insertMessage,
      params: [...place, messageId, kind, sender.accountId, sender.deviceId, acceptedAtMs, digest, ...optional, keptSeconds],
      bytes: body?.byteLength ?? 0,
    };
  }

  /** One more, as Cassandra counts from the beginning of the present second; at least one, as 0 is for ever to it. */
  #secondsLeft(acceptedAtMs: number, ttlSeconds: number): number {
    return Math.max(1, Math.ceil((acceptedAtMs - this.#options.clock.nowMs()) / 1_000) + ttlSeconds + 1);
  }

  #bucketOf({ conversationId, position, acceptedAtMs }: StoredMessage | StoredAlias) {
    // As long as the last row that the bucket may get.
    const ttlSeconds = Math.ceil((this.#options.maxAgeMs + bucketMs) / 1_000);
    return { query: insertBucket, params: [conversationId, bucketAt(acceptedAtMs), position, aboveAllPositions - position, ttlSeconds] };
  }

  #locationOf({ messageId, conversationId, position, sender, acceptedAtMs, digest }: StoredMessage) {
    const ttlSeconds = Math.ceil(this.#options.indexMaxAgeMs / 1_000);
    const values = [messageId, conversationId, position, sender.accountId, sender.deviceId, acceptedAtMs, digest];
    return { query: insertLocation, params: [...values, aboveAllPositions - position, ttlSeconds] };
  }
}

interface BucketRange {
  readonly conversationId: ConversationId;
  readonly bucket: number;
  readonly after: Position;
  readonly before: Position;
  readonly oldestFirst: boolean;
  readonly limit: number;
}

function bucketAt(acceptedAtMs: number): number {
  return Math.floor(acceptedAtMs / bucketMs);
}

function partitionKey({ conversationId, acceptedAtMs }: Pick<RowKey, 'conversationId' | 'acceptedAtMs'>): string {
  return `${conversationId}/${bucketAt(acceptedAtMs)}`;
}

function rowKey({ conversationId, position }: Pick<RowKey, 'conversationId' | 'position'>): string {
  return `${conversationId}/${position}`;
}

function decode(row: types.Row): StoredMessage | StoredAlias {
  const number = (name: string) => (row.get(name) as types.Long).toNumber();
  const place = {
    conversationId: String(row.get('conversation_id')) as ConversationId,
    position: number('position'),
    acceptedAtMs: number('accepted_at'),
  };
  if (row.get('duplicate_of') !== null) return { ...place, duplicateOf: number('duplicate_of') };
  const body = row.get('body') as Buffer | null;
  const media = row.get('media') as types.Uuid[] | null;
  const ttlSeconds = row.get('ttl_seconds') as number | null;
  return {
    ...place,
    messageId: String(row.get('message_id')) as MessageId,
    kind: row.get('kind') as StoredMessage['kind'],
    sender: decodeSender(row),
    digest: row.get('digest') as Buffer,
    ...(body === null ? {} : { body }),
    ...(media === null ? {} : { media: media.map((id) => String(id) as BlobId) }),
    ...(ttlSeconds === null ? {} : { ttlSeconds }),
    ...(row.get('withheld') === true ? { withheld: true } : {}),
  };
}

function decodeLocation(row: types.Row): MessageLocation {
  const number = (name: string) => (row.get(name) as types.Long).toNumber();
  return {
    conversationId: String(row.get('conversation_id')) as ConversationId,
    position: number('position'),
    acceptedAtMs: number('accepted_at'),
    sender: decodeSender(row),
    digest: row.get('digest') as Buffer,
  };
}

function decodeSender(row: types.Row) {
  return { accountId: String(row.get('sender_account')) as AccountId, deviceId: row.get('sender_device') as DeviceId };
}
