import { MicroBatcher } from '../../core/micro-batcher.js';
import { prekeyScarcity } from '../../core/prekey-scarcity.js';
import type { Inbox } from '../../ports/inbox.js';
import type { Prekeys } from '../../ports/prekeys.js';
import type { PushSender } from '../../ports/push-sender.js';
import type { PushSubscriptions } from '../../ports/push-subscriptions.js';
import type { QuietPeriods } from '../../ports/quiet-periods.js';
import type { DeviceSession, SessionRegistry } from '../../ports/session-registry.js';
import type { AccountId, DeviceAddress } from '../../protocol/ids.js';
import { wakeUpPayload, type PushSubscription } from '../../protocol/rest/push.js';
import type { PushEvents } from '../../telemetry/push-events.js';

const storeRetryMs = 1_000;
/** What waits here is bounded by the attempts under way. */
const batching = { maxWaiting: Infinity, maxBatch: 500, retryAfterMs: storeRetryMs };
const maxSends = 5;
/** After the n-th send that failed: 2 s, 8 s, 32 s, 128 s, or what the push service asked for. */
const backoffMs = (sends: number) => 500 * 4 ** sends;
const longestRetryAfterMs = 10 * 60_000;

export interface DeviceWakerDependencies {
  readonly registry: SessionRegistry;
  readonly inbox: Pick<Inbox, 'read'>;
  readonly prekeys: Pick<Prekeys, 'count'>;
  readonly pushSubscriptions: PushSubscriptions;
  readonly quietPeriods: QuietPeriods;
  readonly pushSender: PushSender;
  readonly events: PushEvents;
}

/** Done with; or to be tried again, after so many sends that the push service could not take. */
export type WakeUpAttempt = 'done' | { readonly againAfterMs: number; readonly sends: number };

/** A device to be woken, and how many pushes for that the push service could not take. */
export interface DueWakeUp {
  readonly device: DeviceAddress;
  /** Also for want of prekeys. */
  readonly forKeys: boolean;
  readonly sends: number;
}

/** Sends a push to a device that still has to be woken: it can be, it has no session, a row in its inbox or few prekeys, and no quiet period. */
export class DeviceWaker {
  readonly #dependencies: DeviceWakerDependencies;
  readonly #sessions: MicroBatcher<AccountId, readonly DeviceSession[]>;
  readonly #subscriptions: MicroBatcher<DeviceAddress, PushSubscription | undefined>;

  constructor(dependencies: DeviceWakerDependencies) {
    this.#dependencies = dependencies;
    this.#sessions = new MicroBatcher((accounts) => dependencies.registry.lookup(accounts), batching);
    this.#subscriptions = new MicroBatcher((devices) => dependencies.pushSubscriptions.find(devices), batching);
  }

  /** Never rejects: while a store is away it is to be tried again. */
  async attempt({ device, forKeys, sends }: DueWakeUp): Promise<WakeUpAttempt> {
    const { quietPeriods, events } = this.#dependencies;
    try {
      const subscription = await this.#subscriptions.add(device);
      if (subscription === undefined) return this.#done('unsubscribed');
      const isNeeded = !(await this.#hasSession(device)) && (!(await this.#isDrained(device)) || (forKeys && (await this.#lacksKeys(device))));
      if (!isNeeded) return this.#done('cancelled');
      // The period of a push that is sent again is running already: it is its own.
      const quietForMs = sends > 0 ? 0 : await quietPeriods.begin(device);
      if (quietForMs > 0) {
        events.delayed('quiet-period');
        return { againAfterMs: quietForMs, sends };
      }
      return await this.#send(device, subscription, sends + 1);
    } catch (error) {
      events.retried(error);
      return { againAfterMs: storeRetryMs, sends };
    }
  }

  async #send(device: DeviceAddress, subscription: PushSubscription, sends: number): Promise<WakeUpAttempt> {
    const { pushSender, pushSubscriptions, events } = this.#dependencies;
    const answer = await pushSender.send(subscription, wakeUpPayload);
    switch (answer.outcome) {
      case 'sent':
      case 'refused':
        return this.#done(answer.outcome);
      case 'unregistered':
        await pushSubscriptions.removeUnregistered(device, subscription);
        return this.#done('unregistered');
      case 'later': {
        if (sends === maxSends) return this.#done('given-up');
        events.delayed('push-service');
        const askedForMs = Math.min(answer.retryAfterMs ?? 0, longestRetryAfterMs);
        return { againAfterMs: Math.max(backoffMs(sends), askedForMs), sends };
      }
    }
  }

  #done(outcome: Parameters<PushEvents['ended']>[0]): 'done' {
    this.#dependencies.events.ended(outcome);
    return 'done';
  }

  async #hasSession({ accountId, deviceId }: DeviceAddress): Promise<boolean> {
    const sessions = await this.#sessions.add(accountId);
    return sessions.some((session) => session.deviceId === deviceId);
  }

  async #isDrained(device: DeviceAddress): Promise<boolean> {
    const { rows } = await this.#dependencies.inbox.read(device, { maxRows: 1, maxBytes: 1 });
    return rows.length === 0;
  }

  async #lacksKeys(device: DeviceAddress): Promise<boolean> {
    return prekeyScarcity(await this.#dependencies.prekeys.count(device)) > 0;
  }
}
