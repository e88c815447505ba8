import type { DeviceLinkActivities } from '../../activities/device-link.js';
import type { GatewayRecoveryActivities } from '../../activities/gateway-recovery.js';
import type { MediaExpiryActivities } from '../../activities/media-expiry.js';
import type { RemovalActivities } from '../../activities/removal.js';

/** Of a worker whose tests have no files, lose no gateways, and link and remove nothing. */
export const idleActivities: MediaExpiryActivities & GatewayRecoveryActivities & RemovalActivities & DeviceLinkActivities = {
  expireMedia: () => Promise.resolve({ files: 0, bytes: 0, more: false }),
  countOrphans: () => Promise.resolve(0),
  correctOrphans: () => Promise.resolve({ away: 0 }),
  watchReturns: () => Promise.resolve({ watchedMs: 0, away: 0, lineMs: 0 }),
  wakeOrphans: () => Promise.resolve({ away: 0 }),
  endRecovery: () => Promise.resolve(),
  leaveConversations: () => Promise.resolve({ groupsLeft: 0, channelsLeft: 0 }),
  revokeFiles: () => Promise.resolve({ files: 0, more: false }),
  forgetDevices: () => Promise.resolve(0),
  awaitRouting: () => Promise.resolve(),
  finishRemoval: () => Promise.resolve(),
  lookAtLink: () => Promise.resolve({ stage: 'over', openMs: 0 }),
  wakeForLink: () => Promise.resolve(),
  closeLink: () => Promise.resolve(),
};
