import type { Logger } from 'pino';
import { Counter, Histogram, type Registry } from 'prom-client';

import type { DrainOutcome } from '../core/drain-plan.js';
import type { ConversationId, DeviceAddress, MessageId } from '../protocol/ids.js';

/** What happens while inboxes are drained: one helper an event, metrics and at most one log line each. */
export interface DrainEvents {
  attemptEnded(device: DeviceAddress, attempt: { readonly outcome: DrainOutcome; readonly rows: number; readonly tookMs: number }): void;
  attemptFailed(device: DeviceAddress, error: unknown): void;
  /** Bodies that History lost before the device came for them; it is told by a `gap`. */
  messagesGone(device: DeviceAddress, gap: { readonly conversationId: ConversationId; readonly count: number }): void;
  /** The device answers and did not ack these items, twice; its session was closed. `quarantined`: one of them is kept from it from now on. */
  itemsSuspected(device: DeviceAddress, items: { readonly count: number; readonly quarantined: MessageId | undefined }): void;
  /** Every round failed, the session was closed. */
  sessionGivenUp(device: DeviceAddress): void;
}

export function createDrainEvents(logger: Logger, registry: Registry): DrainEvents {
  const registers = [registry];
  const attempts = new Counter({
    name: 'heliograph_drain_attempts_total',
    help: 'Attempts to drain a device, by outcome.',
    labelNames: ['outcome'],
    registers,
  });
  const rows = new Counter({ name: 'heliograph_drain_rows_total', help: 'Inbox rows that drains brought to devices.', registers });
  const seconds = new Histogram({
    name: 'heliograph_drain_attempt_seconds',
    help: 'How long an attempt to drain a device took.',
    buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    registers,
  });
  const failures = new Counter({ name: 'heliograph_drain_failures_total', help: 'Attempts that a store or a fault ended.', registers });
  const gone = new Counter({ name: 'heliograph_drain_messages_gone_total', help: 'Queued messages whose body was gone.', registers });
  const stuck = new Counter({
    name: 'heliograph_drain_sessions_stuck_total',
    help: 'Sessions closed because their device answered but did not ack what it was sent.',
    registers,
  });
  const quarantined = new Counter({
    name: 'heliograph_drain_items_quarantined_total',
    help: 'Items that are kept from a device that does not ack them.',
    registers,
  });
  const givenUp = new Counter({
    name: 'heliograph_drain_sessions_given_up_total',
    help: 'Sessions closed because every round of their drain failed.',
    registers,
  });
  return {
    attemptEnded: (device, attempt) => {
      attempts.inc({ outcome: attempt.outcome });
      rows.inc(attempt.rows);
      seconds.observe(attempt.tookMs / 1_000);
      logger.debug({ device, ...attempt }, 'drain attempt ended');
    },
    attemptFailed: (device, error) => {
      failures.inc();
      logger.warn({ device, err: error }, 'drain attempt failed');
    },
    messagesGone: (device, gap) => {
      gone.inc(gap.count);
      logger.warn({ device, ...gap }, 'queued messages were gone from history');
    },
    itemsSuspected: (device, items) => {
      stuck.inc();
      quarantined.inc(items.quarantined === undefined ? 0 : 1);
      logger.warn({ device, ...items }, 'a device answers but does not ack what it was sent, session closed');
    },
    sessionGivenUp: (device) => {
      givenUp.inc();
      logger.warn({ device }, 'every drain round failed, session given up');
    },
  };
}
