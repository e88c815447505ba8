import type { Logger } from 'pino';
import type { Registry } from 'prom-client';

import type { InboxDrainDependencies } from '../activities/drain-device.js';
import { createDeviceLinkActivities, type DeviceLinkActivities } from '../activities/device-link.js';
import { createGatewayRecoveryActivities, type GatewayRecoveryActivities } from '../activities/gateway-recovery.js';
import { createInboxDrainActivities, type InboxDrainActivities } from '../activities/inbox-drain.js';
import { createMediaExpiryActivities, type MediaExpiryActivities } from '../activities/media-expiry.js';
import { createRemovalActivities, type RemovalActivities } from '../activities/removal.js';
import type { BlobStore } from '../ports/blob-store.js';
import { createDeviceLinkEvents } from '../telemetry/device-link-events.js';
import { createMediaExpiryEvents } from '../telemetry/media-events.js';
import { createRecoveryEvents } from '../telemetry/recovery-events.js';
import { createRemovalEvents } from '../telemetry/removal-events.js';
import type { Adapters } from './adapters.js';
import { devicesDrainedAtOnce } from './profiles/sizes.js';

/** What workflows call. */
export type Activities = InboxDrainActivities & MediaExpiryActivities & GatewayRecoveryActivities & RemovalActivities & DeviceLinkActivities;

interface ActivitiesOptions {
  readonly adapters: Adapters;
  readonly drain: InboxDrainDependencies;
  readonly blobs: BlobStore;
  readonly logger: Logger;
  readonly metrics: Registry;
}

export function createActivities({ adapters, drain, blobs, logger, metrics }: ActivitiesOptions): Activities {
  return {
    ...createInboxDrainActivities({ ...drain, maxConcurrentDevices: devicesDrainedAtOnce }),
    ...createMediaExpiryActivities({ ...adapters, blobs, events: createMediaExpiryEvents(logger, metrics) }),
    ...createGatewayRecoveryActivities({ ...adapters, events: createRecoveryEvents(logger, metrics) }),
    ...createRemovalActivities({ ...adapters, events: createRemovalEvents(logger, metrics) }),
    ...createDeviceLinkActivities({ ...adapters, events: createDeviceLinkEvents(logger, metrics) }),
  };
}
