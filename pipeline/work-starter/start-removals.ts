import type { Clock } from '../../ports/clock.js';
import type { DurableWork } from '../../ports/durable-work.js';
import type { Removals } from '../../ports/removals.js';
import type { RemovalStartEvents } from '../../telemetry/removal-events.js';
import { keepStarting } from './keep-starting.js';

const removalsAtOnce = 100;

export interface RemovalStarterDependencies {
  readonly removals: Pick<Removals, 'open'>;
  readonly work: Pick<DurableWork, 'startRemoval'>;
  readonly clock: Clock;
  /** How long a process may hold a device for a member's that is gone. */
  readonly settleMs: number;
  readonly events: RemovalStartEvents;
}

/** Looks for devices that were unlinked and accounts that were erased, and sees to it that a workflow removes what they left. */
export function startRemovals({ removals, work, clock, settleMs, events }: RemovalStarterDependencies, signal: AbortSignal): Promise<void> {
  return keepStarting(
    {
      list: () => removals.open(removalsAtOnce),
      idOf: ({ removalId }) => removalId,
      start: (removal) => work.startRemoval({ ...removal, settleMs }),
      failed: (error) => {
        events.startFailed(error);
      },
      clock,
    },
    signal,
  );
}
