import type { Clock } from '../../ports/clock.js';
import type { EventLog } from '../../ports/event-log.js';
import type { WakeUps, WakeUpCause } from '../../ports/wake-ups.js';
import { deviceKey, type DeviceAddress } from '../../protocol/ids.js';
import { encodeWakeUpRecord, type WakeUpRecord } from '../../protocol/log-records.js';
import type { WakeUpEvents } from '../../telemetry/push-events.js';

/** A device that is asked for again and again makes one record in this time. */
const gatherMs = 1_000;
const comesBackWithinMs = 10_000;
/** Devices; what is above them is not woken. */
const maxGathered = 50_000;

export interface GatheredWakeUpsOptions {
  readonly eventLog: EventLog;
  readonly clock: Clock;
  readonly events: WakeUpEvents;
}

/** Wake-ups that this process asks for, gathered for a second before they go into the log. While that is away they wait for it. */
export class GatheredWakeUps implements WakeUps {
  readonly #options: GatheredWakeUpsOptions;
  readonly #stop = new AbortController();
  #gathered = new Map<string, WakeUpRecord>();
  #working: Promise<void> | undefined;

  constructor(options: GatheredWakeUpsOptions) {
    this.#options = options;
  }

  ask({ accountId, deviceId }: DeviceAddress, cause: WakeUpCause): void {
    const notBeforeMs = this.#options.clock.nowMs() + (cause === 'unless-back' ? comesBackWithinMs : 0);
    this.#gather({ accountId, deviceId, notBeforeMs, ...(cause === 'for-keys' ? { forKeys: true } : {}) });
    this.#working ??= this.#work();
  }

  /** What was asked for goes into the log, if that takes it now. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#working;
  }

  #gather(record: WakeUpRecord): void {
    const key = deviceKey(record);
    const known = this.#gathered.get(key);
    if (known === undefined && this.#gathered.size >= maxGathered) this.#options.events.dropped(1);
    else if (known === undefined) this.#gathered.set(key, record);
    else if (known.notBeforeMs > record.notBeforeMs || (record.forKeys === true && known.forKeys !== true)) {
      this.#gathered.set(key, { ...known, ...record, notBeforeMs: Math.min(known.notBeforeMs, record.notBeforeMs) });
    }
  }

  async #work(): Promise<void> {
    const { eventLog, clock, events } = this.#options;
    const { signal } = this.#stop;
    while (this.#gathered.size > 0) {
      await clock.sleep(gatherMs, signal).catch(() => undefined);
      const records = [...this.#gathered.values()];
      this.#gathered = new Map();
      try {
        await eventLog.append(
          'push',
          records.map((record) => ({ key: record.accountId, value: encodeWakeUpRecord(record) })),
        );
      } catch {
        if (signal.aborted) events.dropped(records.length);
        else for (const record of records) this.#gather(record);
      }
    }
    this.#working = undefined;
  }
}
