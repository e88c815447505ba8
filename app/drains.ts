import type { Logger } from 'pino';
import type { Registry } from 'prom-client';

import type { InboxDrainDependencies } from '../activities/drain-device.js';
import { createHistoryPassed } from '../activities/history-passed.js';
import { StoreGate } from '../activities/store-gate.js';
import type { Clock } from '../ports/clock.js';
import type { DrainPause } from '../ports/drain-pause.js';
import type { EventLog } from '../ports/event-log.js';
import { createDrainEvents } from '../telemetry/drain-events.js';
import { createStoreGateEvents } from '../telemetry/store-gate-events.js';
import { readsAtOnce } from './profiles/sizes.js';

export interface DrainsOptions {
  readonly eventLog: EventLog;
  readonly drainPause: DrainPause;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Registry;
}

/** What drains of this process have in common, whether a workflow or a gateway begins them. */
export function createDrains({
  eventLog,
  drainPause: pause,
  clock,
  logger,
  metrics,
}: DrainsOptions): Pick<InboxDrainDependencies, 'historyPassed' | 'stores' | 'events'> {
  return {
    historyPassed: createHistoryPassed(eventLog, 'history-writer'),
    stores: new StoreGate({ pause, clock, events: createStoreGateEvents(logger, metrics) }, readsAtOnce),
    events: createDrainEvents(logger, metrics),
  };
}
