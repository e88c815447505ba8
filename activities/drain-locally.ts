import { firstDrainRound, planAfterDrainRound, type DrainResult, type DrainRound } from '../core/drain-plan.js';
import { drainDevice, type DrainTarget, type InboxDrainDependencies } from './drain-device.js';
import { giveUpDrain } from './give-up-drain.js';

/** Runs an attempt when its turn has come. */
export type Turn = (attempt: () => Promise<DrainResult>) => Promise<DrainResult>;

const atOnce: Turn = (attempt) => attempt();

/**
 * What a drain wave does for one device, in this process: the same rounds, backoff and giving up.
 * Resolves when the device needs no further round or has a newer drain; throws only the signal's reason. Waiting for a next round needs no turn.
 */
export async function drainLocally(dependencies: InboxDrainDependencies, target: DrainTarget, signal: AbortSignal, turn = atOnce): Promise<void> {
  let round: DrainRound | undefined = firstDrainRound([target.request]);
  while (round !== undefined) {
    if (round.waitMs > 0) await dependencies.clock.sleep(round.waitMs, signal);
    // Nobody waits for a sign of life: this drain dies with the sessions that it serves.
    const result = await turn(() => drainDevice(dependencies, target, signal, () => undefined));
    const plan = planAfterDrainRound(round, [result]);
    if (plan.giveUp.length > 0) await giveUpDrain(dependencies, target);
    round = plan.next[0];
  }
}
