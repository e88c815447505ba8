import type { Registry } from 'prom-client';

import { startDeliveryRouter } from '../pipeline/delivery-router/delivery-router.js';
import { startHistoryWriter } from '../pipeline/history-writer/history-writer.js';
import { startReceiptHandler } from '../pipeline/receipt-handler/receipt-handler.js';
import type { Logger } from '../telemetry/logger.js';
import { observeLag } from '../telemetry/metrics.js';
import { createPipelineEvents } from '../telemetry/pipeline-events.js';
import type { Adapters } from './adapters.js';
import { allOrThrow } from './all-or-throw.js';
import type { Closer } from './closer.js';

export interface PipelineRole {
  readonly adapters: Adapters;
  readonly epoch: number;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly closer: Closer;
}

/** The consumers of the log, one of each group. */
export async function startPipeline({ adapters, epoch, logger, metrics, closer }: PipelineRole): Promise<void> {
  const dependencies = { ...adapters, epoch, events: createPipelineEvents(logger, metrics) };
  const stages = [
    ['history-writer', startHistoryWriter],
    ['delivery-router', startDeliveryRouter],
    ['receipt-handler', startReceiptHandler],
  ] as const;
  const starts = stages.map(async ([name, start]) => {
    const consumer = await start(dependencies);
    closer.add(name, () => consumer.close());
  });
  await allOrThrow(starts);
  observeLag(metrics, adapters.eventLog, [
    { topic: 'messages', group: 'history-writer' },
    { topic: 'messages', group: 'delivery-router' },
    { topic: 'receipts', group: 'receipt-handler' },
  ]);
}
