import { LRUCache } from 'lru-cache';

import { admissionCost, latecomersPerSecond, newcomersOf, turnsPerSecond } from '../../core/admission-cost.js';
import { MicroBatcher } from '../../core/micro-batcher.js';
import { takeTokens, type BucketLevel } from '../../core/token-bucket.js';
import type { Clock } from '../../ports/clock.js';
import type { RateLimiter } from '../../ports/rate-limiter.js';
import type { WaitingLine } from '../../ports/waiting-line.js';
import { deviceKey, type DeviceAddress } from '../../protocol/ids.js';
import type { RateLimit } from '../../protocol/limits.js';
import type { AdmissionEvents } from '../../telemetry/admission-events.js';
import { ticketLateMs, type Tickets } from './tickets.js';

const lookEveryMs = 1_000;
/** While nobody knows the line, devices come back within this time, as chance has it. */
const withoutLineMs = 10_000;
/** Whoever came for its turn and found no room comes again after this time at least. */
const againAfterMs = 1_000;
const maxKnownTurns = 50_000;
const batching = { maxWaiting: 100_000, maxBatch: 1_000, retryAfterMs: 1_000 };

export interface DoorkeeperDependencies {
  readonly gatewayId: string;
  readonly rateLimiter: RateLimiter;
  readonly line: WaitingLine;
  readonly tickets: Tickets;
  readonly clock: Clock;
  readonly events: AdmissionEvents;
  /** What this gateway lets in when it is at its ease. */
  readonly admission: RateLimit;
  readonly drainingSessions: () => number;
}

/** A device that is not let in now. Without a ticket it stands in no line. */
export interface Turn {
  readonly afterMs: number;
  readonly ticket?: string;
}

export type Entry = { readonly outcome: 'in'; /** It waited in the line. */ readonly waited: boolean } | ({ readonly outcome: 'later' } & Turn);

/** A turn that was given, until its ticket is void. */
interface Given {
  readonly dueAtMs: number;
  readonly ticket: string;
}

/**
 * Lets devices in as fast as this gateway can take them, and gives the others a turn in the line of all gateways. While somebody waits there, whoever comes without a turn gets what is kept for newcomers
 * alone, and then a turn too: so those who waited come first, and a single device that only lost its network need not stand behind a herd. A device has one turn, however often it asks.
 */
export class Doorkeeper {
  readonly #dependencies: DoorkeeperDependencies;
  readonly #turns: MicroBatcher<DeviceAddress, Given>;
  readonly #given = new LRUCache<string, Given>({ max: maxKnownTurns });
  readonly #newcomers: RateLimit;
  #newcomersLevel: BucketLevel | undefined;
  #cost = 1;
  #loopDelayMs = 0;
  #isLeaving = false;
  /** Until when turns were given away, as far as it is known here. */
  #lineUntilMs = 0;
  /** The last turn of those who found no room at their first one. */
  #overdueUntilMs = 0;

  constructor(dependencies: DoorkeeperDependencies) {
    this.#dependencies = dependencies;
    this.#newcomers = newcomersOf(dependencies.admission);
    this.#turns = new MicroBatcher((devices) => this.#takeTurns(devices), batching);
  }

  /** Never throws for a line that is away. */
  async enter(device: DeviceAddress, shown: string | undefined): Promise<Entry> {
    const { events } = this.#dependencies;
    const key = deviceKey(device);
    const turn = this.#turnOf(device, shown) ?? this.#turnOf(device, this.#given.get(key)?.ticket);
    const waited = turn?.state === 'due';
    if (await this.#isRoom(waited)) {
      this.#given.delete(key);
      return { outcome: 'in', waited };
    }
    events.turnedAway(waited);
    if (turn?.state === 'early') return { outcome: 'later', afterMs: Math.ceil(turn.waitMs), ticket: turn.ticket };
    return { outcome: 'later', ...(waited ? this.#soon(device) : await this.#turnFor(device)) };
  }

  /** How long somebody who came now would wait; 0 when nobody does. */
  lineMs(): number {
    return Math.max(0, this.#lineUntilMs - this.#dependencies.clock.nowMs());
  }

  /** This gateway takes nobody any more: the line shall not count on it. */
  leave(): void {
    this.#isLeaving = true;
  }

  /** Looks every second how this gateway is, and says how much it lets in. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, drainingSessions } = this.#dependencies;
    while (!signal.aborted) {
      await this.#offer();
      const beganAtMs = clock.nowMs();
      await clock.sleep(lookEveryMs, signal).catch(() => undefined);
      // One look may fall between two stalls.
      this.#loopDelayMs = Math.max(clock.nowMs() - beganAtMs - lookEveryMs, this.#loopDelayMs / 2);
      this.#cost = admissionCost({ loopDelayMs: this.#loopDelayMs, drainingSessions: drainingSessions() });
    }
  }

  get #ownPerSecond(): number {
    return turnsPerSecond(this.#dependencies.admission, this.#cost);
  }

  #turnOf(device: DeviceAddress, ticket: string | undefined) {
    if (ticket === undefined) return undefined;
    const turn = this.#dependencies.tickets.look(ticket, device, this.#dependencies.clock.nowMs());
    return turn.state === 'void' ? undefined : { ...turn, ticket };
  }

  async #isRoom(waited: boolean): Promise<boolean> {
    const { gatewayId, rateLimiter } = this.#dependencies;
    if (!waited && this.lineMs() > 0 && !this.#isNewcomersRoom()) return false;
    return (await rateLimiter.take('admission', gatewayId, this.#cost)).allowed;
  }

  #isNewcomersRoom(): boolean {
    const taken = takeTokens(this.#newcomers, this.#newcomersLevel, { count: this.#cost, nowMs: this.#dependencies.clock.nowMs() });
    if (taken.allowed) this.#newcomersLevel = taken.level;
    return taken.allowed;
  }

  /**
   * A turn that came while this gateway was full is not lost. Many of them must not come again at once, for turning away costs nearly as much as letting in: they get what the line leaves over,
   * and all when it is over.
   */
  #soon(device: DeviceAddress): Turn {
    const { tickets, clock, admission } = this.#dependencies;
    const nowMs = clock.nowMs();
    const perSecond = this.#overdueUntilMs < this.#lineUntilMs ? latecomersPerSecond(admission) : admission.perSecond;
    this.#overdueUntilMs = Math.max(nowMs + againAfterMs, this.#overdueUntilMs + 1_000 / perSecond);
    return { afterMs: Math.ceil(this.#overdueUntilMs - nowMs), ticket: tickets.issue(device, this.#overdueUntilMs) };
  }

  async #turnFor(device: DeviceAddress): Promise<Turn> {
    const { clock, events } = this.#dependencies;
    try {
      const given = await this.#turns.add(device);
      this.#given.set(deviceKey(device), given, { ttl: given.dueAtMs - clock.nowMs() + ticketLateMs });
      return { afterMs: Math.max(0, Math.ceil(given.dueAtMs - clock.nowMs())), ticket: given.ticket };
    } catch (error) {
      events.lineAway(error);
      return { afterMs: Math.ceil(Math.random() * withoutLineMs) };
    }
  }

  async #takeTurns(devices: readonly DeviceAddress[]): Promise<readonly Given[]> {
    const { line, tickets, clock } = this.#dependencies;
    const { firstInMs, everyMs } = await line.take(devices.length, this.#ownPerSecond);
    const firstAtMs = clock.nowMs() + firstInMs;
    this.#lineUntilMs = Math.max(this.#lineUntilMs, firstAtMs + devices.length * everyMs);
    return devices.map((device, index) => {
      const dueAtMs = firstAtMs + index * everyMs;
      return { dueAtMs, ticket: tickets.issue(device, dueAtMs) };
    });
  }

  async #offer(): Promise<void> {
    const { gatewayId, line, clock, events } = this.#dependencies;
    try {
      await line.offer(gatewayId, this.#isLeaving ? 0 : this.#ownPerSecond);
      this.#lineUntilMs = clock.nowMs() + (await line.lengthMs());
    } catch (error) {
      events.lineAway(error);
    }
  }
}
