import { AdaptiveLimit, type AdaptiveLimitOptions } from '../core/adaptive-limit.js';
import type { Clock } from '../ports/clock.js';
import type { DrainPause } from '../ports/drain-pause.js';
import type { StoreGateEvents } from '../telemetry/store-gate-events.js';

export interface StoreGateDependencies {
  readonly pause: Pick<DrainPause, 'leftMs'>;
  readonly clock: Clock;
  readonly events: StoreGateEvents;
}

/** How often an operator's word is asked for, while there are drains. */
const pauseKnownMs = 1_000;

/** Lets drains at the stores, fewer at a time while these answer slowly, and none while an operator holds them back: what is said now needs the stores first. */
export class StoreGate {
  readonly #dependencies: StoreGateDependencies;
  readonly #limit: AdaptiveLimit;
  /** In order. */
  readonly #waiting = new Set<() => void>();
  #underWay = 0;
  #pausedUntilMs = 0;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #asked = Promise.resolve();

  constructor(dependencies: StoreGateDependencies, readsAtOnce: AdaptiveLimitOptions) {
    this.#dependencies = dependencies;
    this.#limit = new AdaptiveLimit(readsAtOnce);
    dependencies.events.readsAtOnce(this.#limit.current);
  }

  /** `undefined`: there was no room for it within that time. Throws what the work throws. */
  async through<Result>(work: () => Promise<Result>, withinMs: number): Promise<Result | undefined> {
    const giveUpAtMs = this.#dependencies.clock.nowMs() + withinMs;
    if (!(await this.#waitForPause(giveUpAtMs)) || !(await this.#enter(giveUpAtMs))) {
      this.#dependencies.events.heldBack();
      return undefined;
    }
    const { clock } = this.#dependencies;
    const startedMs = clock.nowMs();
    let tookMs = Infinity;
    try {
      const result = await work();
      tookMs = clock.nowMs() - startedMs;
      return result;
    } finally {
      this.#left(tookMs);
    }
  }

  /** `false`: it lasts longer than that. */
  async #waitForPause(giveUpAtMs: number): Promise<boolean> {
    const { clock } = this.#dependencies;
    for (;;) {
      const nowMs = clock.nowMs();
      await this.#askForPause(nowMs);
      if (this.#pausedUntilMs <= nowMs) return true;
      if (nowMs >= giveUpAtMs) return false;
      await clock.sleep(Math.min(pauseKnownMs, giveUpAtMs - nowMs));
    }
  }

  #askForPause(nowMs: number): Promise<void> {
    if (nowMs >= this.#askedAtMs + pauseKnownMs) {
      this.#askedAtMs = nowMs;
      this.#asked = this.#ask(nowMs);
    }
    return this.#asked;
  }

  /** While nobody answers, what was said last counts. */
  async #ask(nowMs: number): Promise<void> {
    const leftMs = await this.#dependencies.pause.leftMs().catch(() => undefined);
    if (leftMs !== undefined) this.#pausedUntilMs = nowMs + leftMs;
  }

  async #enter(giveUpAtMs: number): Promise<boolean> {
    if (this.#underWay < this.#limit.current) {
      this.#underWay += 1;
      return true;
    }
    const admitted = new AbortController();
    const enter = () => {
      admitted.abort();
    };
    this.#waiting.add(enter);
    await this.#dependencies.clock.sleep(giveUpAtMs - this.#dependencies.clock.nowMs(), admitted.signal).catch(() => undefined);
    return !this.#waiting.delete(enter);
  }

  #left(tookMs: number): void {
    const before = this.#limit.current;
    this.#limit.ended(tookMs, this.#underWay >= before);
    if (this.#limit.current !== before) this.#dependencies.events.readsAtOnce(this.#limit.current);
    this.#underWay -= 1;
    for (const enter of this.#waiting) {
      if (this.#underWay >= this.#limit.current) break;
      this.#waiting.delete(enter);
      this.#underWay += 1;
      enter();
    }
  }
}
