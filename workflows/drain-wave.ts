import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';

import type { InboxDrainActivities } from '../activities/inbox-drain.js';
import {
  addDrainCounts,
  devicesInWords,
  endedDrains,
  firstDrainRound,
  noDrains,
  planAfterDrainRound,
  type DrainCounts,
  type DrainResult,
  type DrainRound,
  type DrainWave,
} from '../core/drain-plan.js';
import { drainWaveDetails, type DrainProgress } from './drain-wave-details.js';

const drainProgress = defineQuery<DrainProgress>('progress');

/** What a wave hands to its next run. */
interface CarriedDrain {
  readonly rounds: readonly DrainRound[];
  readonly devices: number;
  readonly counts: DrainCounts;
}

const { drainDevices } = proxyActivities<InboxDrainActivities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '10 seconds', maximumAttempts: 6 },
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
});
const { giveUpDrains } = proxyActivities<InboxDrainActivities>({ startToCloseTimeout: '10 seconds', retry: { maximumAttempts: 3 } });

/** Drains devices of one gateway in rounds until none needs another (core/drain-plan.ts). */
export async function drainWave(wave: DrainWave, carried?: CarriedDrain): Promise<DrainCounts> {
  const devices = carried?.devices ?? wave.requests.length;
  const later: DrainRound[] = [];
  let counts = carried?.counts ?? noDrains;
  const progress = (): DrainProgress => ({ gatewayId: wave.gatewayId, devices, open: devices - endedDrains(counts), ...counts });
  setHandler(drainProgress, progress);
  setCurrentDetails(drainWaveDetails(progress()));

  const runRound = async (round: DrainRound): Promise<void> => {
    if (workflowInfo().continueAsNewSuggested) {
      later.push(round);
      return;
    }
    const words = devicesInWords(round.requests.length);
    if (round.waitMs > 0) await sleep(round.waitMs, { summary: `backoff of ${words}, ${round.failures} failed rounds` });
    const part = { ...wave, requests: round.requests };
    const results = await drainDevices.executeWithOptions({ summary: `drain ${words}` }, [part]).catch(noResults);
    const plan = planAfterDrainRound(round, results);
    counts = addDrainCounts(counts, plan.counts);
    setCurrentDetails(drainWaveDetails(progress()));
    if (plan.giveUp.length > 0)
      await giveUpDrains.executeWithOptions({ summary: 'close sessions' }, [{ ...wave, requests: plan.giveUp }]).catch(noResults);
    await Promise.all(plan.next.map(runRound));
  };
  await Promise.all((carried?.rounds ?? [firstDrainRound(wave.requests)]).map(runRound));

  await condition(allHandlersFinished);
  if (later.length > 0) return continueAsNew<typeof drainWave>({ ...wave, requests: [] }, { rounds: later, devices, counts });
  return counts;
}

/** An activity that died in every attempt was a failed round for all its devices. */
function noResults(error: unknown): readonly DrainResult[] {
  if (isCancellation(error)) throw error;
  return [];
}
