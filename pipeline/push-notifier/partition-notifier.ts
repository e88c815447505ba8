import type { Clock } from '../../ports/clock.js';
import type { LogRecord, PartitionAssignment, PartitionHandler } from '../../ports/event-log.js';
import { deviceKey, type DeviceAddress } from '../../protocol/ids.js';
import { decodeWakeUpRecord } from '../../protocol/log-records.js';
import type { PushEvents } from '../../telemetry/push-events.js';
import type { DeviceWaker } from './device-waker.js';

const tickMs = 250;

export interface PartitionNotifierDependencies {
  readonly waker: DeviceWaker;
  readonly clock: Clock;
  readonly events: PushEvents;
  /** Devices that may wait before fetching pauses: the log is the buffer. */
  readonly maxWaiting: number;
  /** Attempts under way at once. */
  readonly maxAttempts: number;
}

interface WakeUp {
  readonly device: DeviceAddress;
  forKeys: boolean;
  /** Of the record that asked first. */
  readonly offset: number;
  dueAtMs: number;
  /** Whoever asks again meanwhile does not make it earlier than this. */
  heldUntilMs: number;
  sends: number;
  underWay: boolean;
  /** Asked for again since the attempt that is under way began. */
  next: { readonly offset: number; readonly notBeforeMs: number } | undefined;
}

/** The wake-ups of one partition, one a device, until they are done. What is not is redelivered after a crash. */
export class PartitionNotifier implements PartitionHandler {
  readonly #assignment: PartitionAssignment;
  readonly #dependencies: PartitionNotifierDependencies;
  readonly #stop = new AbortController();
  readonly #wakeUps = new Map<string, WakeUp>();
  readonly #due: WakeUp[] = [];
  readonly #attempts = new Set<Promise<void>>();
  /** Offsets of records that are not done, in their order. */
  readonly #undone = new Set<number>();
  #end = 0;
  #committed = 0;
  #commits: Promise<void> = Promise.resolve();
  #ticking = false;
  #roomFree: (() => void) | undefined;

  constructor(assignment: PartitionAssignment, dependencies: PartitionNotifierDependencies) {
    this.#assignment = assignment;
    this.#dependencies = dependencies;
  }

  async records(batch: readonly LogRecord[]): Promise<void> {
    for (const record of batch) this.#take(record);
    this.#startDue();
    void this.#commit();
    if (!this.#ticking) void this.#tickUntilEmpty();
    if (this.#wakeUps.size < this.#dependencies.maxWaiting) return;
    await new Promise<void>((resolve) => {
      this.#roomFree = resolve;
    });
  }

  /** Waits for the attempts that are under way; what is not done is for the next owner of the partition. */
  async revoked(): Promise<void> {
    this.#stop.abort();
    this.#roomFree?.();
    await Promise.all(this.#attempts);
    await this.#commits;
  }

  #take({ offset, value }: LogRecord): void {
    const { accountId, deviceId, notBeforeMs, forKeys = false } = decodeWakeUpRecord(value);
    const key = deviceKey({ accountId, deviceId });
    const known = this.#wakeUps.get(key);
    this.#end = offset + 1;
    if (known === undefined) {
      this.#undone.add(offset);
      this.#wakeUps.set(key, newWakeUp({ device: { accountId, deviceId }, forKeys }, offset, notBeforeMs));
    } else if (known.underWay && known.next === undefined) {
      this.#undone.add(offset);
      known.next = { offset, notBeforeMs };
    } else if (!known.underWay) known.dueAtMs = Math.min(known.dueAtMs, Math.max(notBeforeMs, known.heldUntilMs));
    if (known !== undefined) known.forKeys ||= forKeys;
  }

  async #tickUntilEmpty(): Promise<void> {
    const { signal } = this.#stop;
    this.#ticking = true;
    while (this.#wakeUps.size > 0 && !signal.aborted) {
      await this.#dependencies.clock.sleep(tickMs, signal).catch(() => undefined);
      this.#startDue();
    }
    this.#ticking = false;
  }

  #startDue(): void {
    const nowMs = this.#dependencies.clock.nowMs();
    for (const wakeUp of this.#wakeUps.values()) {
      if (wakeUp.underWay || wakeUp.dueAtMs > nowMs) continue;
      wakeUp.underWay = true;
      this.#due.push(wakeUp);
    }
    this.#attemptNext();
  }

  #attemptNext(): void {
    while (this.#attempts.size < this.#dependencies.maxAttempts && !this.#stop.signal.aborted) {
      const wakeUp = this.#due.shift();
      if (wakeUp === undefined) return;
      const attempt = this.#attempt(wakeUp).finally(() => {
        this.#attempts.delete(attempt);
        this.#attemptNext();
      });
      this.#attempts.add(attempt);
    }
  }

  async #attempt(wakeUp: WakeUp): Promise<void> {
    const { waker, clock, maxWaiting } = this.#dependencies;
    const { device, offset } = wakeUp;
    const key = deviceKey(device);
    const attempt = await waker.attempt(wakeUp);
    const { next } = wakeUp;
    if (attempt === 'done') {
      this.#undone.delete(offset);
      if (next === undefined) this.#wakeUps.delete(key);
      else this.#wakeUps.set(key, newWakeUp(wakeUp, next.offset, next.notBeforeMs));
    } else {
      if (next !== undefined) this.#undone.delete(next.offset);
      const againAtMs = clock.nowMs() + attempt.againAfterMs;
      this.#wakeUps.set(key, { ...newWakeUp(wakeUp, offset, againAtMs), heldUntilMs: againAtMs, sends: attempt.sends });
    }
    if (this.#wakeUps.size < maxWaiting) this.#roomFree?.();
    await this.#commit();
  }

  /** One commit at a time. Resolves when what is done by now is committed, or could not be. */
  #commit(): Promise<void> {
    this.#commits = this.#commits.then(() => this.#commitDone());
    return this.#commits;
  }

  async #commitDone(): Promise<void> {
    const next = this.#doneUpTo();
    if (next <= this.#committed) return;
    try {
      await this.#assignment.commit(next);
      this.#committed = next;
    } catch (error) {
      // What stays uncommitted is redelivered after a crash; the next progress tries again.
      this.#dependencies.events.retried(error);
    }
  }

  #doneUpTo(): number {
    const [oldest] = this.#undone;
    return oldest ?? this.#end;
  }
}

function newWakeUp({ device, forKeys }: Pick<WakeUp, 'device' | 'forKeys'>, offset: number, dueAtMs: number): WakeUp {
  return { device, forKeys, offset, dueAtMs, heldUntilMs: 0, sends: 0, underWay: false, next: undefined };
}
