import type { GatewayRecoveryActivities } from '../../activities/gateway-recovery.js';
import type { MediaExpiryActivities } from '../../activities/media-expiry.js';

/** Of a worker whose tests have no files and lose no gateways. */
export const idleActivities: MediaExpiryActivities & GatewayRecoveryActivities = {
  expireMedia: () => Promise.resolve({ files: 0, bytes: 0, more: false }),
  countOrphans: () => Promise.resolve(0),
  correctOrphans: () => Promise.resolve({ away: 0 }),
  watchReturns: () => Promise.resolve({ watchedMs: 0, away: 0, lineMs: 0 }),
  wakeOrphans: () => Promise.resolve({ away: 0 }),
  endRecovery: () => Promise.resolve(),
};
