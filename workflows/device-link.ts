import { CancellationScope, defineQuery, isCancellation, proxyActivities, setCurrentDetails, setHandler, sleep } from '@temporalio/workflow';

import type { DeviceLinkActivities } from '../activities/device-link.js';
import { linkEndOf, linkPauseMs, wakeForLinkAfterMs, type LinkEnd, type LinkPlan } from '../core/link-plan.js';
import type { LinkStage } from '../protocol/rest/link.js';

const linkProgress = defineQuery<LinkStage | LinkEnd>('progress');

/** However long the directory is away: nothing else closes a link. */
const { lookAtLink, wakeForLink, closeLink } = proxyActivities<DeviceLinkActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
});

const meanings: Readonly<Record<LinkStage | LinkEnd | 'cancelled', string>> = {
  answered: 'a device of the account answered; the device that shows the code is to join',
  joined: 'the new device has joined, and waits for what was said before',
  offered: 'what was said before lies there for the new device',
  done: 'the new device has joined, and has what it wants of what was said before',
  over: 'nobody joined, or the new device was removed again',
  late: 'the new device has joined, and what was said before was not fetched in time',
  cancelled: 'cancelled by an operator',
};

/** Sees to a link from its answer until the new device has what was said before: tells how far it is, wakes whom it waits for, and closes it (core/link-plan.ts). */
export async function deviceLink(link: LinkPlan): Promise<LinkEnd> {
  let stage: LinkStage | LinkEnd = 'answered';
  setHandler(linkProgress, () => stage);
  const tell = (now: typeof stage | 'cancelled') => {
    if (now !== 'cancelled') stage = now;
    setCurrentDetails(`**Link of a device**: ${meanings[now]}`);
  };
  tell(stage);
  try {
    const { end, openMs } = await follow(link, tell);
    tell(end);
    // A device that did not hear that it had joined asks again until then.
    if (openMs > 0) await sleep(openMs, { summary: 'until nobody can join by it any more' });
    await closeLink.executeWithOptions({ summary: 'close the link' }, [link, end]);
    return end;
  } catch (error) {
    if (!isCancellation(error)) throw error;
    tell('cancelled');
    await CancellationScope.nonCancellable(() => closeLink.executeWithOptions({ summary: 'close the link' }, [link, 'cancelled']));
    throw error;
  }
}

async function follow(link: LinkPlan, tell: (stage: LinkStage) => void): Promise<{ readonly end: LinkEnd; readonly openMs: number }> {
  let stage: LinkStage | undefined;
  let waitedMs = 0;
  for (;;) {
    const seen = await lookAtLink.executeWithOptions({ summary: 'look how far it is' }, [link]);
    if (seen.stage !== stage) waitedMs = 0;
    stage = seen.stage;
    const end = linkEndOf(stage, waitedMs);
    if (end !== undefined) return { end, openMs: seen.openMs };
    tell(stage);
    if (stage !== 'answered' && waitedMs >= wakeForLinkAfterMs) await wakeForLink.executeWithOptions({ summary: 'wake whom it waits for' }, [link]);
    const pauseMs = linkPauseMs(waitedMs);
    await sleep(pauseMs, { summary: 'until the next look' });
    waitedMs += pauseMs;
  }
}
