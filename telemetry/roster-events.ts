import { Counter, type Registry } from 'prom-client';

import type { Logger } from './logger.js';

/** What comes of rosters that gateways keep for a while. */
export interface RosterEvents {
  /** A message was accepted for an older roster than there was; so many devices got nothing, and their keys were asked for. */
  devicesMissed(conversationId: string, devices: number): void;
  /** A message whose roster nobody looks at again: too many wait for that. */
  auditSkipped(): void;
}

export function createRosterEvents(logger: Logger, registry: Registry): RosterEvents {
  const counter = (name: string, help: string) => new Counter({ name: `heliograph_gateway_${name}_total`, help, registers: [registry] });
  const missed = counter('missed_devices', 'Devices that a message was accepted without, because a change of the roster was not known yet.');
  const skipped = counter('roster_audits_skipped', 'Messages whose roster was not compared with the directory, because too many waited for that.');
  return {
    devicesMissed: (conversationId, devices) => {
      missed.inc(devices);
      logger.info({ conversationId, devices }, 'a message was accepted for an older roster, keys are asked for the devices that it missed');
    },
    auditSkipped: () => skipped.inc(),
  };
}
