import { mergeReceipts } from '../../core/receipts.js';
import type { Clock } from '../../ports/clock.js';
import type { Consumer, EventLog } from '../../ports/event-log.js';
import type { GatewayLink } from '../../ports/gateway-link.js';
import type { SessionRegistry } from '../../ports/session-registry.js';
import type { Watermarks } from '../../ports/watermarks.js';
import { decodeReceiptRecord } from '../../protocol/log-records.js';
import type { PipelineEvents } from '../../telemetry/pipeline-events.js';
import { SenderTeller } from './sender-teller.js';
import { WatermarkRaiser } from './watermark-raiser.js';

/** Watermarks of one partition. */
const maxWaiting = 10_000;

export interface ReceiptHandlerDependencies {
  readonly eventLog: EventLog;
  readonly watermarks: Watermarks;
  readonly registry: SessionRegistry;
  readonly link: GatewayLink;
  readonly clock: Clock;
  readonly events: PipelineEvents;
}

/** Raises watermarks for a whole batch of receipts, and tells the senders' devices that are online. */
export async function startReceiptHandler(dependencies: ReceiptHandlerDependencies): Promise<Consumer> {
  const { eventLog, events } = dependencies;
  const stop = new AbortController();
  const teller = new SenderTeller({ ...dependencies, signal: stop.signal });
  const consumer = await eventLog.consume({
    topic: 'receipts',
    group: 'receipt-handler',
    maxBatch: 1_000,
    assigned: (assignment) => {
      const raiser = new WatermarkRaiser(assignment, { ...dependencies, maxWaiting });
      return {
        records: async (batch) => {
          const last = batch.at(-1);
          if (last === undefined) return;
          const merged = mergeReceipts(batch.map(({ value }) => decodeReceiptRecord(value)));
          // The records are durable, so nobody need wait for the watermarks to be told.
          await Promise.all([teller.tell(merged), raiser.add(merged, last.offset + 1)]);
          events.receiptsHandled(batch.length, merged.length);
        },
        revoked: () => raiser.close(),
      };
    },
  });
  return {
    close: async () => {
      await consumer.close();
      stop.abort(new Error('the receipt handler closes'));
    },
  };
}
