import { recoveryId } from '../../core/recovery-plan.js';
import type { Clock } from '../../ports/clock.js';
import type { DurableWork } from '../../ports/durable-work.js';
import type { LostGateways } from '../../ports/lost-gateways.js';
import type { RecoveryStartEvents } from '../../telemetry/recovery-events.js';
import { keepStarting } from './keep-starting.js';

export interface RecoveryStarterDependencies {
  readonly lostGateways: Pick<LostGateways, 'list'>;
  readonly work: Pick<DurableWork, 'startGatewayRecovery'>;
  readonly clock: Clock;
  readonly patienceMs: number;
  readonly events: RecoveryStartEvents;
}

/** Looks for gateways that were lost, and sees to it that a workflow looks after the devices of each. */
export function startRecoveries({ lostGateways, work, clock, patienceMs, events }: RecoveryStarterDependencies, signal: AbortSignal): Promise<void> {
  return keepStarting(
    {
      list: () => lostGateways.list(),
      idOf: recoveryId,
      start: (gateway) => work.startGatewayRecovery({ ...gateway, patienceMs }),
      found: (gateway) => {
        events.found(gateway);
      },
      failed: (error) => {
        events.startFailed(error);
      },
      clock,
    },
    signal,
  );
}
