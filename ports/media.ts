import type { AccountId, BlobId, ConversationId, DeviceAddress } from '../protocol/ids.js';
import type { MediaEnd } from '../protocol/rest/media.js';
import type { BlobToUpload } from './blob-store.js';

export interface NewMedia extends BlobToUpload {
  readonly ownerId: AccountId;
  readonly createdAtMs: number;
  /** Its upload may be under way until then: it is not due before. */
  readonly notBeforeMs: number;
  /** When it is due unless a message names it. */
  readonly dueAtMs: number;
}

export interface MediaView extends BlobToUpload {
  /** Set once nobody is given it any more. */
  readonly ended: { readonly reason: MediaEnd; readonly atMs: number } | undefined;
}

/** For whom a message names files: devices that it waits for, or a channel, whose members all may fetch and which waits for nobody. */
export interface MediaAudience {
  readonly recipients: readonly DeviceAddress[];
  readonly channelId: ConversationId | undefined;
}

/** Times after `afterMs`, up to `untilMs`. */
export interface DueRange {
  readonly afterMs: number;
  readonly untilMs: number;
}

export interface DeletedMedia {
  readonly reason: MediaEnd;
  readonly size: number;
}

/**
 * What is known of files: whose they are, who may fetch them, and when and why they go. What has ended never comes back. Rows stay after the bytes, as the audit of their deletion.
 * A file is due when it was named by no message (`orphan`), when every device that it waits for has fetched it (`fetched`), at its time limit (`expired`), or when its owner says so (`revoked`).
 * Calls that make something due answer the times. Everything throws DomainError `unavailable` while the directory is away.
 */
export interface Media {
  create(media: NewMedia): Promise<void>;
  /** For its owner, the accounts of its recipients and members of its channel; `undefined` for all others, and of what does not exist. */
  find(blobId: BlobId, accountId: AccountId): Promise<MediaView | undefined>;
  /**
   * A message of the owner names them, each once: they are due at `dueAtMs`, or later if an earlier message said so. Repeating it changes nothing. All or nothing.
   * Throws DomainError `not_found`, `gone`, `conflict` (it is in another channel), which name the field `media.<index>`.
   */
  attach(
    blobIds: readonly BlobId[],
    by: { readonly ownerId: AccountId; readonly dueAtMs: number },
    audience: MediaAudience,
  ): Promise<readonly number[]>;
  /** The device has it. After the last of those that it waits for, it is due at `dueAtMs` or at its time limit. Throws DomainError `not_found` if it waits not for this device. */
  fetched(blobId: BlobId, device: DeviceAddress, times: { readonly nowMs: number; readonly dueAtMs: number }): Promise<readonly number[]>;
  /** Nothing waits for a removed device: what it was the last for is due. */
  deviceRemoved(device: DeviceAddress, dueAtMs: number): Promise<readonly number[]>;
  /** At once nobody is given it. Repeating it changes nothing. Throws DomainError `not_found` if the account does not own it. */
  revoke(blobId: BlobId, ownerId: AccountId, nowMs: number): Promise<readonly number[]>;
  /** All that the account uploaded, up to the limit, as `revoke` does. Answers how many it were, and when they are due. */
  revokeAll(ownerId: AccountId, nowMs: number, limit: number): Promise<{ readonly files: number; readonly dueAtMs: readonly number[] }>;
  /** Ends what is due in the range, earliest first; answers it, and what ended before and is not deleted, up to the limit. */
  endDue(range: DueRange, nowMs: number, limit: number): Promise<readonly BlobId[]>;
  /** The bytes are gone. Answers those that were not marked before. */
  markDeleted(blobIds: readonly BlobId[], nowMs: number): Promise<readonly DeletedMedia[]>;
  /** The earliest that is due in the range and not deleted. */
  firstDue(range: DueRange): Promise<number | undefined>;
  /** Drops rows of what was deleted before, up to the limit; answers how many. */
  forget(deletedBeforeMs: number, limit: number): Promise<number>;
}
