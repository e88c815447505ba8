import { recoveryId } from '../../core/recovery-plan.js';
import type { Clock } from '../../ports/clock.js';
import type { DurableWork } from '../../ports/durable-work.js';
import type { LostGateway, LostGateways } from '../../ports/lost-gateways.js';
import type { RecoveryStartEvents } from '../../telemetry/recovery-events.js';

const lookEveryMs = 2_000;
/** It is the same process as long as it runs, and another one after it failed. */
const startAgainAfterMs = 60_000;

export interface RecoveryStarterDependencies {
  readonly lostGateways: Pick<LostGateways, 'list'>;
  readonly work: Pick<DurableWork, 'startGatewayRecovery'>;
  readonly clock: Clock;
  readonly patienceMs: number;
  readonly events: RecoveryStartEvents;
}

/** Looks for gateways that were lost, and sees to it that a workflow looks after the devices of each. Any process may find one: it is started once. */
export async function startRecoveries(dependencies: RecoveryStarterDependencies, signal: AbortSignal): Promise<void> {
  const { lostGateways, clock, events } = dependencies;
  const known = new Map<string, Known>();
  while (!signal.aborted) {
    try {
      const lost = await lostGateways.list();
      const ids = new Set(lost.map(recoveryId));
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
      for (const gateway of lost) await startOne(dependencies, gateway, known);
    } catch (error) {
      events.startFailed(error);
    }
    await clock.sleep(lookEveryMs, signal).catch(() => undefined);
  }
}

interface Known {
  startedAtMs: number | undefined;
}

async function startOne(
  { work, clock, patienceMs, events }: RecoveryStarterDependencies,
  gateway: LostGateway,
  known: Map<string, Known>,
): Promise<void> {
  const id = recoveryId(gateway);
  let one = known.get(id);
  if (one === undefined) {
    events.found(gateway);
    known.set(id, (one = { startedAtMs: undefined }));
  }
  if (one.startedAtMs !== undefined && clock.nowMs() - one.startedAtMs < startAgainAfterMs) return;
  try {
    await work.startGatewayRecovery({ ...gateway, patienceMs });
    one.startedAtMs = clock.nowMs();
  } catch (error) {
    events.startFailed(error);
  }
}
