import { isKept } from '../../core/kept-kind.js';
import { MicroBatcher } from '../../core/micro-batcher.js';
import type { Clock } from '../../ports/clock.js';
import type { GatewayLink } from '../../ports/gateway-link.js';
import type { Inbox, InboxEntry, InboxRow } from '../../ports/inbox.js';
import type { DeviceSession, SessionRegistry } from '../../ports/session-registry.js';
import type { WakeUps, WakeUpCause } from '../../ports/wake-ups.js';
import type { AccountId, DeviceAddress } from '../../protocol/ids.js';
import type { PipelineEvents } from '../../telemetry/pipeline-events.js';
import { streamKey, type InboxPathOutcome } from './chain.js';

const storeRetryMs = 100;
const lookupRetryMs = 300;
const linkRetryMs = 100;
const lostRetryMs = 50;
const batching = { maxWaiting: Infinity, maxBatch: 500, retryAfterMs: storeRetryMs };

export interface InboxPathDependencies {
  readonly inbox: Inbox;
  readonly registry: SessionRegistry;
  readonly link: GatewayLink;
  readonly wakeUps: WakeUps;
  readonly clock: Clock;
  readonly events: PipelineEvents;
  /** Ends the retries of a process that stops; what is unresolved then is redelivered. */
  readonly signal: AbortSignal;
}

/**
 * Rule 2. Router: put, then look up. A row is safe once a look-up made after the put says that there is no session, or the session took the nudge,
 * or its gateway answered `gone` for exactly that session. Every failure is tried again: rows are never skipped.
 */
export class InboxPath {
  readonly #dependencies: InboxPathDependencies;
  readonly #puts: MicroBatcher<readonly InboxEntry[], undefined>;
  readonly #lookups: MicroBatcher<AccountId, readonly DeviceSession[]>;

  constructor(dependencies: InboxPathDependencies) {
    this.#dependencies = dependencies;
    this.#puts = new MicroBatcher(async (batches) => {
      await dependencies.inbox.put(batches.flat());
      return batches.map(() => undefined);
    }, batching);
    this.#lookups = new MicroBatcher((accounts) => dependencies.registry.lookup(accounts), batching);
  }

  /** `wakeUp`: when to wake the device, if it has no session then. */
  async store(device: DeviceAddress, rows: readonly InboxRow[], partition: number, wakeUp: WakeUpCause): Promise<InboxPathOutcome> {
    try {
      await this.#put(device, rows);
      const announced = await this.#announce(device, partition);
      if (announced === 'away' && rows.some((row) => wakes(row, device))) this.#dependencies.wakeUps.ask(device, wakeUp);
      return announced === 'away' ? { outcome: 'safe' } : announced;
    } catch (error) {
      if (this.#dependencies.signal.aborted) return { outcome: 'stopped' };
      throw error;
    }
  }

  async #put(device: DeviceAddress, rows: readonly InboxRow[]): Promise<void> {
    const entries = rows.map((row) => ({ device, row }));
    await this.#untilDone('inbox-put', storeRetryMs, () => this.#puts.add(entries));
    this.#dependencies.events.queued(rows.length);
  }

  async #announce(device: DeviceAddress, partition: number): Promise<InboxPathOutcome | 'away'> {
    for (;;) {
      const session = await this.#untilDone('inbox-lookup', lookupRetryMs, () => this.#sessionOf(device));
      if (session === undefined) return 'away';
      const connection = this.#dependencies.link.to(session.gatewayId);
      if (connection === undefined) await this.#pause(linkRetryMs);
      else {
        const answer = await connection.nudge({ device, sessionEpoch: session.sessionEpoch }, partition);
        if (answer.outcome === 'gone') return 'away';
        if (answer.outcome === 'ok') return { outcome: 'safe', learned: { key: streamKey(connection, session), stream: answer.stream } };
        await this.#pause(lostRetryMs);
      }
    }
  }

  async #sessionOf({ accountId, deviceId }: DeviceAddress): Promise<DeviceSession | undefined> {
    const sessions = await this.#lookups.add(accountId);
    return sessions.find((session) => session.deviceId === deviceId);
  }

  async #untilDone<Result>(stage: string, pauseMs: number, work: () => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        this.#dependencies.events.retried(stage, error);
        await this.#pause(pauseMs);
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return this.#dependencies.clock.sleep(ms, this.#dependencies.signal);
  }
}

/** Nobody looks at a device for keys alone, or for what the account itself sent from another one. */
function wakes({ kind, sender }: InboxRow, { accountId }: DeviceAddress): boolean {
  return isKept(kind) && sender.accountId !== accountId;
}
