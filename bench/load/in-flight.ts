import type { Recorder } from './recorder.js';

const firstCapacity = 64;

const sentState = 0;
const deliveredBit = 1;
const acceptedBit = 2;
const refusedBit = 4;

/**
 * The messages of one pair between sending and receipt: a ring of plain numbers, so that a message costs no object.
 * Messages are numbered from 1 and end in order, because receipts are watermarks.
 */
export class InFlight {
  readonly #recorder: Recorder;
  #capacity = firstCapacity;
  #intendedAtMs = new Float64Array(firstCapacity);
  #positions = new Float64Array(firstCapacity);
  #states = new Uint8Array(firstCapacity);
  /** The oldest that has not ended, and the next to be sent. */
  #oldest = 1;
  #next = 1;
  #receiptedPosition = -1;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  get size(): number {
    return this.#next - this.#oldest;
  }

  /** The number of the message that is to be sent. */
  add(intendedAtMs: number): number {
    if (this.size === this.#capacity) this.#grow();
    const number = this.#next++;
    const slot = number & (this.#capacity - 1);
    this.#intendedAtMs[slot] = intendedAtMs;
    this.#states[slot] = sentState;
    return number;
  }

  delivered(number: number, nowMs: number): void {
    const slot = this.#slot(number, deliveredBit);
    if (slot === undefined) this.#recorder.duplicate();
    else this.#recorder.reached('delivered', this.#intendedAtMs[slot] ?? nowMs, nowMs);
  }

  /** Answers how many messages ended: a receipt may come before the acceptance. */
  accepted(number: number, position: number, nowMs: number): number {
    const slot = this.#slot(number, acceptedBit);
    if (slot === undefined) return 0;
    this.#positions[slot] = position;
    this.#recorder.reached('accepted', this.#intendedAtMs[slot] ?? nowMs, nowMs);
    return this.#endOldest(nowMs);
  }

  refused(number: number, nowMs: number): number {
    return this.#slot(number, refusedBit) === undefined ? 0 : this.#endOldest(nowMs);
  }

  receipted(position: number, nowMs: number): number {
    if (position <= this.#receiptedPosition) return 0;
    this.#receiptedPosition = position;
    return this.#endOldest(nowMs);
  }

  /** Marks the message; `undefined` if it has ended or is marked already. */
  #slot(number: number, bit: number): number | undefined {
    if (number < this.#oldest || number >= this.#next) return undefined;
    const slot = number & (this.#capacity - 1);
    const state = this.#states[slot] ?? 0;
    if ((state & bit) !== 0) return undefined;
    this.#states[slot] = state | bit;
    return slot;
  }

  #endOldest(nowMs: number): number {
    const first = this.#oldest;
    for (; this.#oldest < this.#next; this.#oldest++) {
      const slot = this.#oldest & (this.#capacity - 1);
      const state = this.#states[slot] ?? 0;
      if ((state & refusedBit) !== 0) continue;
      if ((state & acceptedBit) === 0 || (this.#positions[slot] ?? Infinity) > this.#receiptedPosition) break;
      this.#recorder.reached('receipted', this.#intendedAtMs[slot] ?? nowMs, nowMs);
    }
    return this.#oldest - first;
  }

  #grow(): void {
    const capacity = this.#capacity * 2;
    const intendedAtMs = new Float64Array(capacity);
    const positions = new Float64Array(capacity);
    const states = new Uint8Array(capacity);
    for (let number = this.#oldest; number < this.#next; number++) {
      const from = number & (this.#capacity - 1);
      const to = number & (capacity - 1);
      intendedAtMs[to] = this.#intendedAtMs[from] ?? 0;
      positions[to] = this.#positions[from] ?? 0;
      states[to] = this.#states[from] ?? 0;
    }
    this.#capacity = capacity;
    this.#intendedAtMs = intendedAtMs;
    this.#positions = positions;
    this.#states = states;
  }
}
