import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';

/**
 * What became of a wake-up. `cancelled`: the device was back, or its inbox drained. `unsubscribed`: it has no subscription. `unregistered`: the push service does not know that any more.
 * `refused`: the service will not take it. `given-up`: it could not, however often it was tried.
 */
export type WakeUpOutcome = 'sent' | 'cancelled' | 'unsubscribed' | 'unregistered' | 'refused' | 'given-up';

/** What the push-notifier does. */
export interface PushEvents {
  ended(outcome: WakeUpOutcome): void;
  /** It is looked at again later: when its quiet period is over, or when the push service may be back. */
  delayed(cause: 'quiet-period' | 'push-service'): void;
  /** A store, the registry or the log did not answer. */
  retried(error: unknown): void;
}

/** What becomes of wake-ups before they are in the log. */
export interface WakeUpEvents {
  /** Devices that are not woken, because too many wait for the log. */
  dropped(count: number): void;
}

export function createPushEvents(logger: Logger, registry: Registry): PushEvents {
  const registers = [registry];
  const ended = new Counter({ name: 'heliograph_wake_ups_total', help: 'Wake-ups, by outcome.', labelNames: ['outcome'], registers });
  const delayed = new Counter({ name: 'heliograph_wake_ups_delayed_total', help: 'Wake-ups put off, by cause.', labelNames: ['cause'], registers });
  const retries = new Counter({ name: 'heliograph_wake_ups_retries_total', help: 'Wake-ups tried again because a store did not answer.', registers });
  return {
    ended: (outcome) => {
      ended.inc({ outcome });
      if (outcome === 'refused' || outcome === 'given-up') logger.warn({ outcome }, 'a push service did not take a wake-up');
    },
    delayed: (cause) => {
      delayed.inc({ cause });
    },
    retried: (error) => {
      retries.inc();
      logger.debug({ err: error }, 'trying a wake-up again');
    },
  };
}

export function createWakeUpEvents(logger: Logger, registry: Registry): WakeUpEvents {
  const dropped = new Counter({ name: 'heliograph_wake_ups_dropped_total', help: 'Wake-ups that did not get into the log.', registers: [registry] });
  return {
    dropped: (count) => {
      dropped.inc(count);
      logger.debug({ count }, 'wake-ups did not get into the log');
    },
  };
}
