import { setMaxListeners } from 'node:events';

import { Context } from '@temporalio/activity';

import type { DrainResult, DrainWave } from '../core/drain-plan.js';
import { drainDevice, type InboxDrainDependencies } from './drain-device.js';
import { withMappedErrors } from './errors.js';
import { giveUpDrain } from './give-up-drain.js';

/** What the workflow `drainWave` calls. */
export interface InboxDrainActivities {
  /** Drains all devices of the wave; results in the order of its requests. Throws only when it is cancelled. */
  readonly drainDevices: (wave: DrainWave) => Promise<readonly DrainResult[]>;
  /** Closes the sessions that still wait for these drains; answers how many closed. */
  readonly giveUpDrains: (wave: DrainWave) => Promise<number>;
}

export interface InboxDrainActivitiesDependencies extends InboxDrainDependencies {
  /** Devices that one wave drains at a time. Most of a drain is waiting for the device's ack. */
  readonly maxConcurrentDevices: number;
}

const heartbeatPauseMs = 1_000;

export function createInboxDrainActivities(dependencies: InboxDrainActivitiesDependencies): InboxDrainActivities {
  return {
    drainDevices: withMappedErrors((wave: DrainWave) => drainDevices(dependencies, wave)),
    giveUpDrains: withMappedErrors(async ({ gatewayId, requests }: DrainWave) => {
      const closed = await Promise.all(requests.map((request) => giveUpDrain(dependencies, { gatewayId, request })));
      return closed.filter(Boolean).length;
    }),
  };
}

async function drainDevices(dependencies: InboxDrainActivitiesDependencies, wave: DrainWave): Promise<readonly DrainResult[]> {
  const { gatewayId, requests } = wave;
  const { cancellationSignal } = Context.current();
  setMaxListeners(0, cancellationSignal);
  const results: DrainResult[] = requests.map(() => ({ outcome: 'failed', rows: 0 }));
  const queue = requests.entries();
  const progress = { ended: 0 };
  const beat = throttledHeartbeat(dependencies, progress);
  beat();
  const work = async (): Promise<void> => {
    for (const [index, request] of queue) {
      results[index] = await drainDevice(dependencies, { gatewayId, request }, cancellationSignal, beat);
      progress.ended += 1;
      beat();
    }
  };
  const workers = Array.from({ length: Math.min(dependencies.maxConcurrentDevices, requests.length) }, work);
  const settled = await Promise.allSettled(workers);
  for (const outcome of settled) if (outcome.status === 'rejected') throw outcome.reason;
  return results;
}

/** Says that the activity lives, at most once a second: what it has done is known from the inbox. */
function throttledHeartbeat({ clock }: InboxDrainDependencies, progress: { readonly ended: number }): () => void {
  const context = Context.current();
  let lastMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock.nowMs();
    if (nowMs - lastMs < heartbeatPauseMs) return;
    lastMs = nowMs;
    context.heartbeat({ ended: progress.ended });
  };
}
