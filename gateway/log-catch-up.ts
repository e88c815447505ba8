import { MicroBatcher } from '../core/micro-batcher.js';
import type { Clock } from '../ports/clock.js';
import { ofPartition, type EventLog, type GroupProgress, type LogReader } from '../ports/event-log.js';
import { DomainError } from '../protocol/errors.js';

const waitMs = 1_000;
const pollMs = 20;
const batching = { maxWaiting: 100_000, maxBatch: 100_000, retryAfterMs: waitMs };

/** A look at one partition's end, and how the wait for it ended. */
interface Look {
  readonly startedAtMs: number;
  readonly refusal: DomainError | undefined;
}

/**
 * Waits until a reader of the log has passed what the log held when somebody asked: the history-writer before a retry is answered, the receipt-handler before receipts are told.
 * One wait serves everybody who asked before it began: devices that come back after an outage ask all at once.
 */
export class LogCatchUp {
  readonly #eventLog: EventLog;
  readonly #clock: Clock;
  readonly #reader: LogReader;
  /** One look at all partitions serves everybody who asked before it began. */
  readonly #looks: MicroBatcher<undefined, readonly GroupProgress[]>;
  readonly #waits = new Map<number, MicroBatcher<undefined, undefined>>();
  readonly #lastLooks = new Map<number, Look>();

  constructor(eventLog: EventLog, clock: Clock, reader: LogReader) {
    this.#eventLog = eventLog;
    this.#clock = clock;
    this.#reader = reader;
    this.#looks = new MicroBatcher(async (askers) => {
      const all = await eventLog.progress(reader.topic, reader.group);
      return askers.map(() => all);
    }, batching);
  }

  /** Everything that the log of the conversation held at `sinceMs`, or now. Throws `unavailable` when it takes longer than a second. */
  async passed(conversationId: string, sinceMs = this.#clock.nowMs()): Promise<void> {
    const partition = this.#eventLog.partitionOf(this.#reader.topic, conversationId);
    const last = this.#lastLooks.get(partition);
    if (last === undefined || last.startedAtMs <= sinceMs) await this.#waitsOf(partition).add(undefined);
    else if (last.refusal !== undefined) throw last.refusal;
  }

  /** Everything that the whole log holds now. Throws `unavailable` when it takes longer than a second. */
  async allPassed(): Promise<void> {
    const all = await this.#looks.add(undefined);
    await Promise.all(all.map(({ partition }) => this.#waitsOf(partition).add(undefined)));
  }

  #waitsOf(partition: number): MicroBatcher<undefined, undefined> {
    const known = this.#waits.get(partition);
    if (known !== undefined) return known;
    const waits = new MicroBatcher<undefined, undefined>(async (askers) => {
      await this.#look(partition);
      return askers.map(() => undefined);
    }, batching);
    this.#waits.set(partition, waits);
    return waits;
  }

  async #look(partition: number): Promise<void> {
    const startedAtMs = this.#clock.nowMs();
    const { end } = await this.#progress(partition);
    for (;;) {
      const { committed } = await this.#progress(partition);
      if (committed >= end) break;
      if (this.#clock.nowMs() >= startedAtMs + waitMs) {
        const refusal = new DomainError('unavailable', `earlier ${this.#reader.topic} are still being written, ${end - committed} are left`, {
          retryAfterMs: waitMs,
        });
        this.#lastLooks.set(partition, { startedAtMs, refusal });
        throw refusal;
      }
      await this.#clock.sleep(pollMs);
    }
    this.#lastLooks.set(partition, { startedAtMs, refusal: undefined });
  }

  async #progress(partition: number) {
    return ofPartition(await this.#looks.add(undefined), partition);
  }
}
