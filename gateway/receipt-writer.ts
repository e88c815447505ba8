import { MicroBatcher } from '../core/micro-batcher.js';
import { deliveredReceipts, mergeReceipts } from '../core/receipts.js';
import type { Clock } from '../ports/clock.js';
import type { EventLog } from '../ports/event-log.js';
import type { DeviceAddress } from '../protocol/ids.js';
import { receiptEntry, type ReceiptRecord } from '../protocol/log-records.js';
import type { DeliverItem } from '../protocol/server-frames.js';

const retryPauseMs = 200;

export interface ReceiptWriterDependencies {
  readonly eventLog: EventLog;
  readonly clock: Clock;
  readonly maxWaiting: number;
  /** Ends the retries of a gateway that closes. */
  readonly signal: AbortSignal;
}

/** Puts what devices stored and read into the receipts topic; what gathers while an append is under way is merged per conversation and device. */
export class ReceiptWriter {
  readonly #dependencies: ReceiptWriterDependencies;
  readonly #batcher: MicroBatcher<ReceiptRecord, undefined>;

  constructor(dependencies: ReceiptWriterDependencies) {
    this.#dependencies = dependencies;
    this.#batcher = new MicroBatcher((records) => this.#append(records), {
      maxWaiting: dependencies.maxWaiting,
      maxBatch: 4_096,
      retryAfterMs: retryPauseMs,
    });
  }

  /** Resolves once the receipts of all these items are durable, however long the log is away; rejects only when the gateway closes. */
  async delivered(device: DeviceAddress, items: readonly DeliverItem[]): Promise<void> {
    const records = deliveredReceipts(device, items);
    if (records.length === 0) return;
    await Promise.all(records.map((record) => this.#untilDurable(record)));
  }

  /** Resolves once it is durable; throws `unavailable` if the log does not take it. */
  async read(record: ReceiptRecord): Promise<void> {
    await this.#batcher.add(record);
  }

  async #untilDurable(record: ReceiptRecord): Promise<void> {
    const { clock, signal } = this.#dependencies;
    for (;;) {
      try {
        await this.#batcher.add(record);
        return;
      } catch {
        await clock.sleep(retryPauseMs, signal);
      }
    }
  }

  async #append(records: readonly ReceiptRecord[]): Promise<readonly undefined[]> {
    const merged = mergeReceipts(records);
    await this.#dependencies.eventLog.append('receipts', merged.map(receiptEntry));
    return records.map(() => undefined);
  }
}
