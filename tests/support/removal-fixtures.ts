import { v4 } from 'uuid';

import type { ConversationsLeft, RemovalActivities } from '../../activities/removal.js';
import type { RemovalCounts, RemovalKind, RemovalPlan } from '../../core/removal-plan.js';
import type { ConversationId, RemovalId } from '../../protocol/ids.js';

export function newRemoval(kind: RemovalKind, settleMs = 30_000): RemovalPlan {
  return { removalId: v4() as RemovalId, kind, settleMs };
}

/** Of an account with two devices that is in 130 groups and channels and has 1,700 files; while routing is awaited what the script tells comes first, one answer an attempt. */
export function scriptedRemoval(routing: readonly Error[] = []) {
  const asked: string[] = [];
  const finished: { readonly removalId: RemovalId; readonly removed: RemovalCounts }[] = [];
  const refusals = [...routing];
  const pages: Record<'first' | 'second', ConversationsLeft> = {
    first: { groupsLeft: 80, channelsLeft: 5, after: '01a214f2-eaa7-7039-8f8c-513da5b2153e' as ConversationId },
    second: { groupsLeft: 40, channelsLeft: 5 },
  };
  let filesLeft = 1_700;
  const activities: RemovalActivities = {
    leaveConversations: (_, after) => {
      asked.push(`leave, ${after === undefined ? 'first' : 'second'} page`);
      return Promise.resolve(pages[after === undefined ? 'first' : 'second']);
    },
    revokeFiles: () => {
      asked.push('end files');
      const files = Math.min(1_000, filesLeft);
      filesLeft -= files;
      return Promise.resolve({ files, more: files === 1_000 });
    },
    forgetDevices: () => {
      asked.push('empty inboxes');
      return Promise.resolve(2);
    },
    awaitRouting: () => {
      asked.push('await routing');
      const refusal = refusals.shift();
      return refusal === undefined ? Promise.resolve() : Promise.reject(refusal);
    },
    finishRemoval: ({ removalId }, removed) => {
      asked.push('finish');
      finished.push({ removalId, removed });
      return Promise.resolve();
    },
  };
  return { activities, asked, finished };
}
