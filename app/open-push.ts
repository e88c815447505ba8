import type { Registry } from 'prom-client';

import { createWebPushSender } from '../adapters/web-push/web-push-sender.js';
import { GatheredWakeUps } from '../adapters/memory/wake-ups.js';
import type { Clock } from '../ports/clock.js';
import type { EventLog } from '../ports/event-log.js';
import type { Logger } from '../telemetry/logger.js';
import { createWakeUpEvents } from '../telemetry/push-events.js';
import type { Adapters } from './adapters.js';
import type { Closer } from './closer.js';
import type { Config } from './config/load-config.js';

export interface PushOptions {
  readonly config: Config;
  /** Without one nobody is woken, and nothing is written for it. */
  readonly privateKey: string | undefined;
  readonly eventLog: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly closer: Closer;
}

/** What wakes devices that are away. */
export function openPush(options: PushOptions): Pick<Adapters, 'pushSender' | 'wakeUps'> {
  const { config, privateKey, eventLog, clock, logger, metrics, closer } = options;
  if (privateKey === undefined) return { pushSender: undefined, wakeUps: { ask: () => undefined } };
  const { vapidSubject: subject, allowPrivate } = config.push;
  const wakeUps = new GatheredWakeUps({ eventLog, clock, events: createWakeUpEvents(logger, metrics) });
  closer.add('wake-ups', () => wakeUps.close());
  return { pushSender: createWebPushSender({ privateKey, subject, allowPrivate: allowPrivate === 'yes' }), wakeUps };
}
