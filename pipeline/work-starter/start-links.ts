import { linkUnfollowedAfterMs } from '../../core/link-plan.js';
import type { Clock } from '../../ports/clock.js';
import type { DeviceLinks } from '../../ports/device-links.js';
import type { DurableWork } from '../../ports/durable-work.js';
import type { DeviceLinkStartEvents } from '../../telemetry/device-link-events.js';
import { keepStarting } from './keep-starting.js';

const linksAtOnce = 100;

export interface LinkStarterDependencies {
  readonly deviceLinks: Pick<DeviceLinks, 'unfollowed'>;
  readonly work: Pick<DurableWork, 'startDeviceLink'>;
  readonly clock: Clock;
  readonly events: DeviceLinkStartEvents;
}

/** Looks for links that were answered and that nobody follows, and sees to it that a workflow does, until it is closed. Joining waits for none of it. */
export function startLinks({ deviceLinks, work, clock, events }: LinkStarterDependencies, signal: AbortSignal): Promise<void> {
  return keepStarting(
    {
      list: () => deviceLinks.unfollowed(clock.nowMs() - linkUnfollowedAfterMs, linksAtOnce),
      idOf: ({ linkId }) => linkId,
      start: ({ linkId, accountId }) => work.startDeviceLink({ linkId }, accountId),
      failed: (error) => {
        events.startFailed(error);
      },
      clock,
    },
    signal,
  );
}
