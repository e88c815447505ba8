import type { Clock } from '../../../ports/clock.js';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** Time that moves only when everything at the present moment has settled, so a run is the same for the same input. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  readonly #heap: Timer[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  /** Runs something later; returns the call that cancels it. */
  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, run, cancelled: false };
    this.#push(timer);
    return () => {
      timer.cancelled = true;
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      });
      const abort = () => {
        cancel();
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Moves to the next timer and lets everything that follows from it settle. `false`: nothing is left, or nothing before `untilMs`. */
  async step(untilMs: number): Promise<boolean> {
    let timer = this.#pop();
    while (timer?.cancelled === true) timer = this.#pop();
    if (timer === undefined) return false;
    if (timer.atMs > untilMs) {
      this.#push(timer);
      this.#nowMs = untilMs;
      return false;
    }
    this.#nowMs = timer.atMs;
    timer.run();
    await new Promise((resolve) => setImmediate(resolve));
    return true;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    heap.push(timer);
    let index = heap.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(timer, heap[parent] as Timer)) break;
      heap[index] = heap[parent] as Timer;
      index = parent;
    }
    heap[index] = timer;
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Timer, heap[child] as Timer)) child += 1;
      if (!before(heap[child] as Timer, last)) break;
      heap[index] = heap[child] as Timer;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}

function before(one: Timer, other: Timer): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

/** Lets so much time pass, a second at a time: what waits for no timer in between is done. */
export async function passOn(clock: VirtualClock, ms: number): Promise<void> {
  const endMs = clock.nowMs() + ms;
  while (clock.nowMs() < endMs) {
    const untilMs = Math.min(endMs, clock.nowMs() + 1_000);
    clock.after(untilMs - clock.nowMs(), () => undefined);
    while (clock.nowMs() < untilMs) await clock.step(untilMs);
    await new Promise(setImmediate);
  }
}
