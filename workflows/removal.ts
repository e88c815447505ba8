import { defineQuery, proxyActivities, setCurrentDetails, setHandler, sleep } from '@temporalio/workflow';

import type { RemovalActivities } from '../activities/removal.js';
import { nothingRemoved, type RemovalCounts, type RemovalPlan } from '../core/removal-plan.js';
import type { ConversationId } from '../protocol/ids.js';

export interface RemovalProgress extends RemovalCounts {
  readonly state: 'leaving conversations' | 'ending files' | 'emptying inboxes' | 'waiting for what was under way' | 'done';
}

const removalProgress = defineQuery<RemovalProgress>('progress');

/** However long the stores are away: nothing else does it. */
const { leaveConversations, revokeFiles, forgetDevices, awaitRouting, finishRemoval } = proxyActivities<RemovalActivities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '20 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
});

/** What an unlinked device left. */
export function deviceUnlink(plan: RemovalPlan): Promise<RemovalCounts> {
  return emptyInboxes(plan, begin('Removal of an unlinked device'));
}

/** What an erased account left. */
export async function accountErasure(plan: RemovalPlan): Promise<RemovalCounts> {
  const progress = begin('Removal of an erased account');
  progress.tell({ state: 'leaving conversations' });
  let after: ConversationId | undefined;
  do {
    const left = await leaveConversations.executeWithOptions({ summary: 'leave up to 100 groups and channels' }, [plan, after]);
    const { groupsLeft, channelsLeft } = progress.now;
    progress.tell({ groupsLeft: groupsLeft + left.groupsLeft, channelsLeft: channelsLeft + left.channelsLeft });
    after = left.after;
  } while (after !== undefined);
  progress.tell({ state: 'ending files' });
  for (let more = true; more;) {
    const ended = await revokeFiles.executeWithOptions({ summary: 'end up to 1,000 files' }, [plan]);
    progress.tell({ files: progress.now.files + ended.files });
    more = ended.more;
  }
  return emptyInboxes(plan, progress);
}

/** Twice: what was accepted for the devices by whoever had not heard that they are gone is routed in between. */
async function emptyInboxes(plan: RemovalPlan, progress: ReturnType<typeof begin>): Promise<RemovalCounts> {
  progress.tell({ state: 'emptying inboxes' });
  await forgetDevices.executeWithOptions({ summary: 'empty inboxes' }, [plan]);
  progress.tell({ state: 'waiting for what was under way' });
  await sleep(plan.settleMs, { summary: 'until every gateway has heard of it' });
  await awaitRouting.executeWithOptions({ summary: 'until what was accepted is routed' }, [plan]);
  const devices = await forgetDevices.executeWithOptions({ summary: 'empty inboxes once more' }, [plan]);
  progress.tell({ devices });
  const { groupsLeft, channelsLeft, files } = progress.now;
  const removed = { devices, groupsLeft, channelsLeft, files };
  await finishRemoval.executeWithOptions({ summary: 'write the receipt' }, [plan, removed]);
  progress.tell({ state: 'done' });
  return removed;
}

function begin(title: string) {
  let now: RemovalProgress = { state: 'emptying inboxes', ...nothingRemoved };
  setHandler(removalProgress, () => now);
  return {
    get now() {
      return now;
    },
    tell: (more: Partial<RemovalProgress>) => {
      now = { ...now, ...more };
      const { state, devices, groupsLeft, channelsLeft, files } = now;
      setCurrentDetails(`**${title}**: ${state}, ${devices} devices, ${groupsLeft} groups, ${channelsLeft} channels, ${files} files`);
    },
  };
}
