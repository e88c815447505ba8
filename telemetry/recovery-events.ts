import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';

import type { LostGateway, RecoveryCounts } from '../core/recovery-plan.js';

/** What is done for the devices of lost gateways: one helper an event, metrics and at most one log line each. */
export interface RecoveryEvents {
  begun(gateway: LostGateway, devices: number): void;
  ended(gateway: LostGateway, counts: RecoveryCounts): void;
}

/** What whoever looks for lost gateways finds. */
export interface RecoveryStartEvents {
  found(gateway: LostGateway): void;
  /** The store could not be asked, or the workflow engine is away. */
  startFailed(error: unknown): void;
}

export function createRecoveryEvents(logger: Logger, registry: Registry): RecoveryEvents {
  const registers = [registry];
  const orphans = new Counter({
    name: 'heliograph_recovery_devices_total',
    help: 'Devices of lost gateways that had not come back when their recovery began.',
    registers,
  });
  const ends = new Counter({ name: 'heliograph_recovery_settled_total', help: 'What became of them.', labelNames: ['outcome'], registers });
  return {
    begun: (gateway, devices) => {
      orphans.inc(devices);
      logger.warn({ ...gateway, devices }, 'a gateway was lost, its devices are looked after');
    },
    ended: ({ gatewayId, leaseEpoch }, { returned, stayedAway }) => {
      ends.inc({ outcome: 'returned' }, returned);
      ends.inc({ outcome: 'stayed_away' }, stayedAway);
      logger.info({ gatewayId, leaseEpoch, returned, stayedAway }, 'all devices of a lost gateway are looked after');
    },
  };
}

export function createRecoveryStartEvents(logger: Logger, registry: Registry): RecoveryStartEvents {
  const lost = new Counter({ name: 'heliograph_gateways_lost_total', help: 'Gateways whose lease lapsed.', registers: [registry] });
  return {
    found: (gateway) => {
      lost.inc();
      logger.warn(gateway, 'a gateway is gone without a good-bye');
    },
    startFailed: (error) => {
      logger.debug({ err: error }, 'the recovery of a lost gateway starts later');
    },
  };
}
