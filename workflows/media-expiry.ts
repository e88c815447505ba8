import { continueAsNew, defineQuery, proxyActivities, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';

import type { MediaExpiryActivities } from '../activities/media-expiry.js';
import { mediaBucketName, nothingExpired, type MediaBucket, type MediaExpiryCounts } from '../core/media-rules.js';

const expiryProgress = defineQuery<MediaExpiryCounts>('progress');

/** However long the store is away: nothing else does it. */
const { expireMedia } = proxyActivities<MediaExpiryActivities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '20 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
});

/** Deletes the files that are due in a bucket, which is over when this begins (core/media-rules.ts). */
export async function mediaExpiry(bucket: MediaBucket, carried: MediaExpiryCounts = nothingExpired): Promise<MediaExpiryCounts> {
  let counts = carried;
  setHandler(expiryProgress, () => counts);
  const tell = (state: string) => {
    setCurrentDetails(`**Files due by ${mediaBucketName(bucket)}**: ${state}, ${counts.files} deleted, ${counts.bytes} bytes`);
  };
  tell('deleting');
  for (;;) {
    const { files, bytes, more } = await expireMedia.executeWithOptions({ summary: 'delete up to 1,000 files' }, [bucket]);
    counts = { files: counts.files + files, bytes: counts.bytes + bytes };
    tell(more ? 'deleting' : 'done');
    if (!more) return counts;
    if (workflowInfo().continueAsNewSuggested) return continueAsNew<typeof mediaExpiry>(bucket, counts);
  }
}
