import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';

import type { LinkEnd } from '../core/link-plan.js';

/** What links of devices come to: metrics, and a log line that names nobody. */
export interface DeviceLinkEvents {
  ended(end: LinkEnd | 'cancelled'): void;
}

/** What whoever starts their workflows meets. */
export interface DeviceLinkStartEvents {
  /** The directory could not be asked, or the workflow engine is away. */
  startFailed(error: unknown): void;
}

export function createDeviceLinkEvents(logger: Logger, registry: Registry): DeviceLinkEvents {
  const ended = new Counter({
    name: 'heliograph_device_links_ended_total',
    help: 'Links of devices that were answered and are closed, by how they ended.',
    labelNames: ['end'],
    registers: [registry],
  });
  return {
    ended: (end) => {
      ended.inc({ end });
      logger.info({ end }, 'the link of a device is closed');
    },
  };
}

export function createDeviceLinkStartEvents(logger: Logger): DeviceLinkStartEvents {
  return {
    startFailed: (error) => {
      logger.debug({ err: error }, 'the workflow of a link starts later');
    },
  };
}
