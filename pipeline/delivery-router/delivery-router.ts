import type { Clock } from '../../ports/clock.js';
import type { Consumer, EventLog } from '../../ports/event-log.js';
import type { GatewayLink } from '../../ports/gateway-link.js';
import type { Inbox } from '../../ports/inbox.js';
import type { SessionRegistry } from '../../ports/session-registry.js';
import type { WakeUps } from '../../ports/wake-ups.js';
import type { PipelineEvents } from '../../telemetry/pipeline-events.js';
import { InboxPath } from './inbox-path.js';
import { PartitionRouter } from './partition-router.js';

export interface DeliveryRouterDependencies {
  readonly eventLog: EventLog;
  readonly registry: SessionRegistry;
  readonly inbox: Inbox;
  readonly link: GatewayLink;
  readonly wakeUps: WakeUps;
  readonly clock: Clock;
  readonly events: PipelineEvents;
  /** Epoch of the messages topic (core/position.ts). */
  readonly epoch: number;
}

/** Brings every message of the log to its recipients' devices or their inboxes. */
export async function startDeliveryRouter(dependencies: DeliveryRouterDependencies): Promise<Consumer> {
  const { eventLog } = dependencies;
  const stop = new AbortController();
  const inboxPath = new InboxPath({ ...dependencies, signal: stop.signal });
  const router = { ...dependencies, inboxPath, maxUnresolved: 10_000, handOverMs: 3_000 };
  const consumer = await eventLog.consume({
    topic: 'messages',
    group: 'delivery-router',
    maxBatch: 500,
    assigned: (assignment) => new PartitionRouter(router, assignment),
  });
  return {
    close: async () => {
      await consumer.close();
      stop.abort(new Error('the delivery router closes'));
    },
  };
}
