import type { Window } from './record.js';

export type Certainty = 'yes' | 'no' | 'maybe';

/** Something that is so or not, and changes. */
export class Timeline {
  /** Each from when until when it may have been so. */
  readonly #spans: { value: boolean; fromMs: number; untilMs: number }[];

  constructor(atFirst: boolean) {
    this.#spans = [{ value: atFirst, fromMs: -Infinity, untilMs: Infinity }];
  }

  /** Somewhere in the window it became so, or not so; later than what was said before. */
  turn(value: boolean, { fromMs, toMs }: Window): void {
    const last = this.#spans.at(-1);
    if (last !== undefined) last.untilMs = toMs;
    this.#spans.push({ value, fromMs, untilMs: Infinity });
  }

  /** Whether it was so at one moment of this time. */
  at({ fromMs, toMs }: Window): Certainty {
    const possible = this.#spans.filter((span) => span.fromMs <= toMs && span.untilMs >= fromMs).map(({ value }) => value);
    if (possible.every((value) => value)) return 'yes';
    return possible.some((value) => value) ? 'maybe' : 'no';
  }
}

export function bothOf(one: Certainty, other: Certainty): Certainty {
  if (one === 'no' || other === 'no') return 'no';
  return one === 'yes' && other === 'yes' ? 'yes' : 'maybe';
}
