import type { LinkEnd, LinkPlan } from '../core/link-plan.js';
import type { Clock } from '../ports/clock.js';
import type { DeviceLinks, LinkProgress } from '../ports/device-links.js';
import type { WakeUps } from '../ports/wake-ups.js';
import { DomainError } from '../protocol/errors.js';
import type { LinkStage } from '../protocol/rest/link.js';
import type { DeviceLinkEvents } from '../telemetry/device-link-events.js';
import { withMappedErrors } from './errors.js';

export interface LinkSeen {
  readonly stage: LinkStage;
  /** For how long a device can join by it yet, or hear again that it has. */
  readonly openMs: number;
}

/** What the workflow `deviceLink` calls. Repeating any of it changes nothing. */
export interface DeviceLinkActivities {
  readonly lookAtLink: (link: LinkPlan) => Promise<LinkSeen>;
  /** The device that has what was said before, or the one that is to fetch it, is woken by push if it is away and something waits for it. */
  readonly wakeForLink: (link: LinkPlan) => Promise<void>;
  /** Links that were closed more than a day ago are forgotten on the way. */
  readonly closeLink: (link: LinkPlan, end: LinkEnd | 'cancelled') => Promise<void>;
}

export interface DeviceLinkDependencies {
  readonly deviceLinks: DeviceLinks;
  readonly wakeUps: WakeUps;
  readonly clock: Clock;
  readonly events: DeviceLinkEvents;
}

const keptClosedMs = 24 * 3_600_000;
const forgottenAtOnce = 100;

export function createDeviceLinkActivities({ deviceLinks, wakeUps, clock, events }: DeviceLinkDependencies): DeviceLinkActivities {
  return {
    lookAtLink: withMappedErrors(async (link: LinkPlan) => {
      const { stage, expiresAtMs } = found(link, await deviceLinks.follow(link.linkId, clock.nowMs()));
      return { stage, openMs: Math.max(0, expiresAtMs - clock.nowMs()) };
    }),
    wakeForLink: withMappedErrors(async (link: LinkPlan) => {
      const { stage, answeredBy, deviceId } = found(link, await deviceLinks.progress(link.linkId, clock.nowMs()));
      if (stage === 'joined') wakeUps.ask(answeredBy, 'at-once');
      if (stage === 'offered' && deviceId !== undefined) wakeUps.ask({ ...answeredBy, deviceId }, 'at-once');
    }),
    closeLink: withMappedErrors(async ({ linkId }: LinkPlan, end: LinkEnd | 'cancelled') => {
      await deviceLinks.close(linkId, clock.nowMs());
      await deviceLinks.forget(clock.nowMs() - keptClosedMs, forgottenAtOnce);
      events.ended(end);
    }),
  };
}

/** Throws DomainError `not_found`, which no attempt mends. */
function found({ linkId }: LinkPlan, progress: LinkProgress | undefined): LinkProgress {
  if (progress === undefined) throw new DomainError('not_found', `there is no link ${linkId} that was answered`);
  return progress;
}
