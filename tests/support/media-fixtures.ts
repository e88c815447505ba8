import type { MediaExpiryActivities } from '../../activities/media-expiry.js';
import { mediaBucketOf, mediaExpiryId, type MediaBucket } from '../../core/media-rules.js';
import { drainTaskQueue } from './drain-task-queue.js';

export const bucketMs = 600_000;
let buckets = 0;

/** One that is over, and that no other test of the process has. */
export function pastBucket(): MediaBucket {
  buckets += 1;
  return mediaBucketOf(1_700_000_000_000 + buckets * bucketMs, bucketMs);
}

export const expiryId = (bucket: MediaBucket) => mediaExpiryId(drainTaskQueue, bucket);

/** Answers one call after the other, the last for ever, and writes down what it was asked. */
export function scriptedExpiry(answers: readonly (Awaited<ReturnType<MediaExpiryActivities['expireMedia']>> | Error)[]) {
  const asked: MediaBucket[] = [];
  const activities: MediaExpiryActivities = {
    expireMedia: (bucket) => {
      asked.push(bucket);
      const answer = answers[Math.min(asked.length, answers.length) - 1];
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error('nothing to answer');
      return Promise.resolve(answer);
    },
  };
  return { asked, activities };
}
