import { v4 } from 'uuid';

import type { DeviceLinkActivities, LinkSeen } from '../../activities/device-link.js';
import type { LinkPlan } from '../../core/link-plan.js';
import type { LinkId } from '../../protocol/ids.js';

export function newLinkPlan(): LinkPlan {
  return { linkId: v4() as LinkId };
}

/** A link of which each look finds the next of the script, and then always the last. An error is a look that fails. */
export function scriptedLink(script: readonly (LinkSeen['stage'] | Error)[], openMs = 0) {
  const asked: string[] = [];
  const looks = [...script];
  const activities: DeviceLinkActivities = {
    lookAtLink: () => {
      const look = looks.length > 1 ? looks.shift() : looks[0];
      if (look === undefined || look instanceof Error) return Promise.reject(look ?? new Error('nothing is scripted'));
      if (asked.at(-1) !== look) asked.push(look);
      return Promise.resolve({ stage: look, openMs });
    },
    wakeForLink: () => {
      asked.push('wake');
      return Promise.resolve();
    },
    closeLink: (_, end) => {
      asked.push(`close, ${end}`);
      return Promise.resolve();
    },
  };
  return { activities, asked };
}
