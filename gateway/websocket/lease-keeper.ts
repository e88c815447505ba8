import type { Clock } from '../../ports/clock.js';
import type { SessionRegistry } from '../../ports/session-registry.js';
import type { GatewayEvents } from '../../telemetry/gateway-events.js';
import type { Session } from './session.js';

const renewEveryMs = 3_000;
/** The lease lives 10 s; after so long without a renewal nobody here may count on it. */
const doubtAfterMs = 7_000;
const refreshEveryMs = 20_000;
const registrationsPerSecond = 2_000;
const paceMs = 50;

export type Registration = 'kept' | 'anew' | 'away' | 'lost';

export interface LeaseKeeperDependencies {
  readonly gatewayId: string;
  readonly registry: SessionRegistry;
  readonly clock: Clock;
  readonly sessions: () => Iterable<Session>;
  readonly register: (session: Session) => Promise<Registration>;
  readonly events: GatewayEvents;
}

/**
 * Rule 5: a session is live only while the gateway's lease and its own entry are known to be held. Renewal failing for 7 s, a lapsed lease, an entry that a
 * refresh did not find: the sessions turn to draining first, then register again, then read their inbox. A lapsed lease is never renewed, a new one is opened.
 */
export class LeaseKeeper {
  readonly #dependencies: LeaseKeeperDependencies;
  #epoch: number | undefined;
  #held = false;
  #renewedAtMs = 0;
  /** Something of the registry failed since the last renewal: entries may be missing. */
  #doubted = false;

  constructor(dependencies: LeaseKeeperDependencies) {
    this.#dependencies = dependencies;
  }

  get held(): boolean {
    return this.#held;
  }

  /** Of the present lease; `undefined` before the registry first gave one. */
  get epoch(): number | undefined {
    return this.#epoch;
  }

  start(signal: AbortSignal): void {
    void this.#every(renewEveryMs, () => this.#renew(signal), signal);
    void this.#every(refreshEveryMs, () => this.#refresh(signal), signal);
  }

  /** A call to the registry failed: once it answers again, every session registers anew. */
  doubt(): void {
    this.#doubted = true;
  }

  async close(): Promise<void> {
    this.#held = false;
    if (this.#epoch !== undefined) await this.#dependencies.registry.closeLease(this.#dependencies.gatewayId, this.#epoch).catch(() => undefined);
  }

  async #every(ms: number, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { clock } = this.#dependencies;
    while (!signal.aborted) {
      await work();
      await clock.sleep(ms, signal).catch(() => undefined);
    }
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const { registry, gatewayId, clock, events } = this.#dependencies;
    const askedAtMs = clock.nowMs();
    try {
      if (this.#epoch === undefined) this.#epoch = await registry.openLease(gatewayId);
      else if (!(await registry.renewLease(gatewayId, this.#epoch))) {
        events.leaseLapsed();
        this.#lapseAll();
        this.#epoch = await registry.openLease(gatewayId);
      }
    } catch {
      this.#doubted = true;
      if (this.#held && clock.nowMs() - this.#renewedAtMs > doubtAfterMs) {
        events.registryAway();
        this.#lapseAll();
      }
      return;
    }
    const again = !this.#held || this.#doubted;
    this.#held = true;
    this.#doubted = false;
    this.#renewedAtMs = askedAtMs;
    if (again) await this.#registerAll(signal);
  }

  #lapseAll(): void {
    this.#held = false;
    for (const session of this.#dependencies.sessions()) session.lapse('now');
  }

  /** All sessions turn to draining before the first of them registers; what was put while entries were missing is read after. */
  async #registerAll(signal: AbortSignal): Promise<void> {
    const sessions = [...this.#dependencies.sessions()];
    for (const session of sessions) session.lapse('once-registered');
    await this.#paced(sessions, signal, async (session) => {
      const registration = await this.#dependencies.register(session);
      if (registration === 'kept' || registration === 'anew') session.reRegistered();
    });
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const registered = [...this.#dependencies.sessions()].filter((session) => session.registered);
    await this.#paced(registered, signal, async (session) => {
      if ((await this.#dependencies.register(session)) !== 'anew') return;
      session.lapse('once-registered');
      session.reRegistered();
    });
  }

  async #paced(sessions: readonly Session[], signal: AbortSignal, work: (session: Session) => Promise<void>): Promise<void> {
    const atOnce = (registrationsPerSecond * paceMs) / 1_000;
    for (let start = 0; start < sessions.length && !signal.aborted; start += atOnce) {
      if (start > 0) await this.#dependencies.clock.sleep(paceMs, signal).catch(() => undefined);
      await Promise.all(sessions.slice(start, start + atOnce).map(work));
    }
  }
}
