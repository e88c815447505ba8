import type { AccountId, BlobId, ConversationId, DeviceAddress, MessageId, Position } from '../protocol/ids.js';
import type { ItemKind } from '../protocol/server-frames.js';

export interface StoredMessage {
  readonly conversationId: ConversationId;
  readonly position: Position;
  readonly messageId: MessageId;
  readonly kind: ItemKind;
  readonly sender: DeviceAddress;
  readonly acceptedAtMs: number;
  /** SHA-256 of what was sent (core/content-digest.ts): tells a retry from a conflict. */
  readonly digest: Uint8Array;
  readonly body?: Uint8Array | undefined;
  readonly media?: readonly BlobId[] | undefined;
  readonly ttlSeconds?: number | undefined;
  /** Only the sender's account sees it. */
  readonly withheld?: true | undefined;
}

/** A second position of a message that already had one: hidden from history pages, skipped by drains. */
export interface StoredAlias {
  readonly conversationId: ConversationId;
  readonly position: Position;
  readonly acceptedAtMs: number;
  readonly duplicateOf: Position;
}

export interface MessageLocation {
  readonly conversationId: ConversationId;
  readonly position: Position;
  readonly acceptedAtMs: number;
  readonly sender: DeviceAddress;
  readonly digest: Uint8Array;
}

/** A row's full key. `acceptedAtMs` leads engines to the time bucket. */
export interface RowKey {
  readonly conversationId: ConversationId;
  readonly position: Position;
  readonly acceptedAtMs: number;
}

export interface HistoryQuery {
  /** Who will see the page: without what was withheld from it. */
  readonly viewer: AccountId;
  readonly conversationId: ConversationId;
  /** Exclusive bounds. */
  readonly before?: Position | undefined;
  readonly after?: Position | undefined;
  /** At most 100. */
  readonly limit: number;
}

/**
 * What was said, kept for the retention time.
 *
 * Idempotence key: (conversation, position). `keys` items are only indexed by message id, never kept as rows.
 * Visibility: `append` resolves when later reads see it and a crash of any process cannot take it back.
 * Order of `page`: newest first, unless only `after` is given: then oldest first, so a client can walk forward.
 * Messages whose `ttlSeconds` ran out (from acceptedAtMs) are not returned by `page`; `read` returns them without body, or not at all: the store deletes them.
 * Their message ids are known as long as those of others, so that a retry is still recognized.
 * Throws DomainError `unavailable` when the store is away.
 */
export interface History {
  append(messages: readonly StoredMessage[], aliases: readonly StoredAlias[]): Promise<void>;
  /** First position of each message id, in the order given; `undefined` where unknown. */
  find(messageIds: readonly MessageId[]): Promise<readonly (MessageLocation | undefined)[]>;
  page(query: HistoryQuery): Promise<readonly StoredMessage[]>;
  /** Rows by key, in the order given; `undefined` where there is none (yet). */
  read(keys: readonly RowKey[]): Promise<readonly (StoredMessage | StoredAlias | undefined)[]>;
}
