import { MicroBatcher } from '../../core/micro-batcher.js';
import type { Clock } from '../../ports/clock.js';
import type { EventLog } from '../../ports/event-log.js';
import { DomainError } from '../../protocol/errors.js';

const waitMs = 1_000;
const pollMs = 20;
const batching = { maxWaiting: 100_000, maxBatch: 100_000, retryAfterMs: waitMs };

/** A look at one partition's end, and how the wait for it ended. */
interface Look {
  readonly startedAtMs: number;
  readonly refusal: DomainError | undefined;
}

/**
 * Waits until the history-writer has passed what the log held when a retry came. One wait serves every retry that came before it began: devices that come back after an outage send
 * everything again, and what they send is taken one after the other.
 */
export class HistoryCatchUp {
  readonly #eventLog: EventLog;
  readonly #clock: Clock;
  readonly #waits = new Map<number, MicroBatcher<undefined, undefined>>();
  readonly #lastLooks = new Map<number, Look>();

  constructor(eventLog: EventLog, clock: Clock) {
    this.#eventLog = eventLog;
    this.#clock = clock;
  }

  /** Everything that the log of the conversation held at `sinceMs`, or now. Throws `unavailable` when it takes longer than a second. */
  async passed(conversationId: string, sinceMs = this.#clock.nowMs()): Promise<void> {
    const partition = this.#eventLog.partitionOf('messages', conversationId);
    const last = this.#lastLooks.get(partition);
    if (last === undefined || last.startedAtMs <= sinceMs) await this.#waitsOf(partition).add(undefined);
    else if (last.refusal !== undefined) throw last.refusal;
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
    while ((await this.#progress(partition)).committed < end) {
      if (this.#clock.nowMs() >= startedAtMs + waitMs) {
        const refusal = new DomainError('unavailable', 'earlier messages are still being written', { retryAfterMs: waitMs });
        this.#lastLooks.set(partition, { startedAtMs, refusal });
        throw refusal;
      }
      await this.#clock.sleep(pollMs);
    }
    this.#lastLooks.set(partition, { startedAtMs, refusal: undefined });
  }

  async #progress(partition: number) {
    const all = await this.#eventLog.progress('messages', 'history-writer');
    return all.find((of) => of.partition === partition) ?? { end: 0, committed: 0 };
  }
}
