import { DomainError } from '../protocol/errors.js';
import type { AccountId, BlobId, ConversationId } from '../protocol/ids.js';

export interface AttachableMedia {
  readonly blobId: BlobId;
  readonly ownerId: AccountId;
  readonly channelId: ConversationId | undefined;
  readonly hasEnded: boolean;
}

interface NamedMedia {
  readonly blobIds: readonly BlobId[];
  readonly ownerId: AccountId;
  readonly channelId: ConversationId | undefined;
}

/** Whether a message may name these files: they are its sender's and not gone, and those of a channel are in no other. Throws DomainError that names the field. */
export function requireAttachable(known: readonly AttachableMedia[], { blobIds, ownerId, channelId }: NamedMedia): void {
  const media = new Map(known.map((each) => [each.blobId, each]));
  for (const [index, blobId] of blobIds.entries()) {
    const field = `media.${index}`;
    const named = media.get(blobId);
    if (named?.ownerId !== ownerId) throw new DomainError('not_found', `${field}: the account has no such file`, { detail: { field } });
    if (named.hasEnded) throw new DomainError('gone', `${field}: the file was deleted`, { detail: { field } });
    if (channelId !== undefined && named.channelId !== undefined && named.channelId !== channelId) {
      throw new DomainError('conflict', `${field}: the file is in another channel`, { detail: { field } });
    }
  }
}

/** Files that are due within the same time are deleted together, when it is over: those after `endMs - lengthMs`, up to `endMs`. */
export interface MediaBucket {
  readonly endMs: number;
  readonly lengthMs: number;
}

export function mediaBucketOf(dueAtMs: number, lengthMs: number): MediaBucket {
  return { endMs: Math.ceil(dueAtMs / lengthMs) * lengthMs, lengthMs };
}

/** As people read it, and search for it. */
export function mediaBucketName({ endMs }: MediaBucket): string {
  // eslint-disable-next-line no-restricted-globals -- writes a time that is given, and reads no clock
  return new Date(endMs).toISOString();
}

/** Deployments that share a namespace of the workflow engine have task queues of their own. */
export function mediaExpiryId(taskQueue: string, bucket: MediaBucket): string {
  return `media-expiry/${taskQueue}/${mediaBucketName(bucket)}`;
}

/** What a run for one bucket did. */
export interface MediaExpiryCounts {
  readonly files: number;
  readonly bytes: number;
}

export const nothingExpired: MediaExpiryCounts = { files: 0, bytes: 0 };
