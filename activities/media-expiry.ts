import { Context } from '@temporalio/activity';

import { mediaBucketName, type MediaBucket, type MediaExpiryCounts } from '../core/media-rules.js';
import type { BlobStore } from '../ports/blob-store.js';
import type { Clock } from '../ports/clock.js';
import type { Media } from '../ports/media.js';
import { DomainError } from '../protocol/errors.js';
import type { MediaExpiryEvents } from '../telemetry/media-events.js';
import { withMappedErrors } from './errors.js';

/** What the workflow `mediaExpiry` calls. */
export interface MediaExpiryActivities {
  /** Deletes up to 1,000 files that are due in the bucket. Answers what was deleted, and whether there may be more. Throws while the store or the directory is away; what was deleted stays so. */
  readonly expireMedia: (bucket: MediaBucket) => Promise<MediaExpiryCounts & { readonly more: boolean }>;
}

export interface MediaExpiryDependencies {
  readonly media: Media;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly events: MediaExpiryEvents;
}

const filesPerCall = 1_000;
const retryAfterMs = 1_000;

export function createMediaExpiryActivities(dependencies: MediaExpiryDependencies): MediaExpiryActivities {
  return { expireMedia: withMappedErrors((bucket: MediaBucket) => expireMedia(dependencies, bucket)) };
}

/** Whoever looks meanwhile is told that they are gone, from before the first byte goes. */
async function expireMedia({ media, blobs, clock, events }: MediaExpiryDependencies, bucket: MediaBucket) {
  const { endMs: untilMs, lengthMs } = bucket;
  const beat = () => {
    Context.current().heartbeat();
  };
  if (clock.nowMs() < untilMs) throw away(`by this clock the bucket is not over before ${mediaBucketName(bucket)}`);
  const blobIds = await media.endDue({ afterMs: untilMs - lengthMs, untilMs }, clock.nowMs(), filesPerCall);
  beat();
  await blobs.delete(blobIds);
  beat();
  const left = await blobs.existing(blobIds);
  if (left.length > 0) throw away(`${left.length} of ${blobIds.length} files are still there`);
  beat();
  const deleted = await media.markDeleted(blobIds, clock.nowMs());
  events.deleted(deleted);
  return { files: deleted.length, bytes: deleted.reduce((sum, { size }) => sum + size, 0), more: blobIds.length === filesPerCall };
}

function away(message: string): DomainError {
  return new DomainError('unavailable', message, { retryAfterMs });
}
