import { defineQuery, proxyActivities, setCurrentDetails, setHandler } from '@temporalio/workflow';

import type { GatewayRecoveryActivities, OrphansAway } from '../activities/gateway-recovery.js';
import { devicesInWords } from '../core/drain-plan.js';
import { isHerdOver, type HerdState, type OrphanPage, type Recovery, type RecoveryCounts } from '../core/recovery-plan.js';
import { recoveryDetails, type RecoveryProgress } from './gateway-recovery-details.js';

const recoveryProgress = defineQuery<RecoveryProgress>('progress');

const retry = { initialInterval: '1 second', maximumInterval: '10 seconds' } as const;
const { countOrphans, correctOrphans, wakeOrphans, endRecovery } = proxyActivities<GatewayRecoveryActivities>({
  startToCloseTimeout: '1 minute',
  retry,
});
const { watchReturns } = proxyActivities<GatewayRecoveryActivities>({ startToCloseTimeout: '1 minute', heartbeatTimeout: '10 seconds', retry });

/** Looks after the devices that a lost gateway had, until all are back or were asked to come (core/recovery-plan.ts). */
export async function gatewayRecovery({ patienceMs, ...gateway }: Recovery): Promise<RecoveryCounts> {
  let progress: RecoveryProgress = { gatewayId: gateway.gatewayId, state: 'begun', devices: 0, away: 0, stayedAway: 0, lineMs: 0 };
  const tell = (more: Partial<RecoveryProgress>) => {
    progress = { ...progress, ...more };
    setCurrentDetails(recoveryDetails(progress));
  };
  setHandler(recoveryProgress, () => progress);

  const devices = await countOrphans.executeWithOptions({ summary: 'count its devices that are away' }, [gateway]);
  tell({ state: 'correcting', devices, away: devices });
  const correct = (page: OrphanPage) => correctOrphans.executeWithOptions({ summary: 'correct when they were last seen' }, [gateway, page]);
  tell({ away: await sumOfPages(correct) });

  tell({ state: 'watching' });
  let herd: HerdState = { watchedMs: 0, away: progress.away, lineMs: 0 };
  while (!isHerdOver(herd, { patienceMs })) {
    const { away, lineMs, watchedMs } = await watchReturns.executeWithOptions({ summary: `watch ${devicesInWords(progress.away)} come back` }, [
      gateway,
    ]);
    tell({ away, lineMs });
    herd = { watchedMs: herd.watchedMs + watchedMs, away, lineMs };
  }

  tell({ state: 'waking' });
  const wake = (page: OrphanPage) => wakeOrphans.executeWithOptions({ summary: 'wake those who stayed away' }, [gateway, page]);
  const stayedAway = await sumOfPages(wake);
  const counts = { devices, returned: devices - stayedAway, stayedAway };
  await endRecovery.executeWithOptions({ summary: 'forget the gateway' }, [gateway, counts]);
  tell({ state: 'done', away: 0, stayedAway, lineMs: 0 });
  return counts;
}

/** Looks at one page after the other. Answers how many devices were away. */
async function sumOfPages(look: (page: OrphanPage) => Promise<OrphansAway>): Promise<number> {
  let page: OrphanPage = {};
  let sum = 0;
  do {
    const { away, after } = await look(page);
    sum += away;
    page = { after };
  } while (page.after !== undefined);
  return sum;
}
