import type { Registry } from 'prom-client';

import { startDeliveryRouter } from '../pipeline/delivery-router/delivery-router.js';
import { startHistoryWriter } from '../pipeline/history-writer/history-writer.js';
import { startPushNotifier } from '../pipeline/push-notifier/push-notifier.js';
import { startReceiptHandler } from '../pipeline/receipt-handler/receipt-handler.js';
import { startLinks } from '../pipeline/work-starter/start-links.js';
import { startRecoveries } from '../pipeline/work-starter/start-recoveries.js';
import { startRemovals } from '../pipeline/work-starter/start-removals.js';
import type { Consumer, Topic } from '../ports/event-log.js';
import { createDeviceLinkStartEvents } from '../telemetry/device-link-events.js';
import type { Logger } from '../telemetry/logger.js';
import { observeLag } from '../telemetry/metrics.js';
import { createPipelineEvents } from '../telemetry/pipeline-events.js';
import { createPushEvents } from '../telemetry/push-events.js';
import { createRecoveryStartEvents } from '../telemetry/recovery-events.js';
import { createRemovalStartEvents } from '../telemetry/removal-events.js';
import type { Adapters } from './adapters.js';
import { allOrThrow } from './all-or-throw.js';
import type { Closer } from './closer.js';
import type { Config } from './config/load-config.js';
import { rosterCache } from './profiles/sizes.js';

export interface PipelineRole {
  readonly config: Config;
  readonly adapters: Adapters;
  readonly epoch: number;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly closer: Closer;
}

interface Stage {
  readonly topic: Topic;
  readonly group: string;
  readonly start: () => Promise<Consumer>;
}

/** The consumers of the log, one of each group; and who looks for what workflows have to begin. */
export async function startPipeline({ config, adapters, epoch, logger, metrics, closer }: PipelineRole): Promise<void> {
  const dependencies = { ...adapters, epoch, events: createPipelineEvents(logger, metrics) };
  const stages: Stage[] = [
    { topic: 'messages', group: 'history-writer', start: () => startHistoryWriter(dependencies) },
    { topic: 'messages', group: 'delivery-router', start: () => startDeliveryRouter(dependencies) },
    { topic: 'receipts', group: 'receipt-handler', start: () => startReceiptHandler(dependencies) },
  ];
  const { pushSender } = adapters;
  if (pushSender !== undefined) {
    const notifier = { ...adapters, pushSender, events: createPushEvents(logger, metrics) };
    stages.push({ topic: 'push', group: 'push-notifier', start: () => startPushNotifier(notifier) });
  }
  const starts = stages.map(async ({ group, start }) => {
    const consumer = await start();
    closer.add(group, () => consumer.close());
  });
  await allOrThrow(starts);
  const looking = new AbortController();
  const patienceMs = config.push.afterLossMs;
  const looked = Promise.all([
    startRecoveries({ ...adapters, patienceMs, events: createRecoveryStartEvents(logger, metrics) }, looking.signal),
    startRemovals({ ...adapters, settleMs: rosterCache.maxAgeMs, events: createRemovalStartEvents(logger) }, looking.signal),
    startLinks({ ...adapters, events: createDeviceLinkStartEvents(logger) }, looking.signal),
  ]);
  closer.add('starts of workflows', async () => {
    looking.abort();
    await looked;
  });
  observeLag(metrics, adapters.eventLog, stages);
}
