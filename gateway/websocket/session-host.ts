import { LRUCache } from 'lru-cache';

import { MicroBatcher } from '../../core/micro-batcher.js';
import type { Clock } from '../../ports/clock.js';
import type {
  DrainPage,
  DrainPageAnswer,
  DrainTicket,
  FinishDrainAnswer,
  GatewayEndpoint,
  GiveUpDrainAnswer,
  NudgeAnswer,
  OpenDrainAnswer,
  Push,
  SessionRef,
} from '../../ports/gateway-link.js';
import type { Inbox } from '../../ports/inbox.js';
import type { ClaimOutcome, SessionClaim, SessionRegistry } from '../../ports/session-registry.js';
import type { WakeUps } from '../../ports/wake-ups.js';
import type { CloseReason } from '../../protocol/close-codes.js';
import { deviceKey, type DeviceAddress } from '../../protocol/ids.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import type { GatewayEvents } from '../../telemetry/gateway-events.js';
import type { WaveScheduler } from '../drain/wave-scheduler.js';
import type { ReceiptWriter } from '../receipt-writer.js';
import { LeaseKeeper, type Registration } from './lease-keeper.js';
import { Session } from './session.js';
import type { AnswerPush, HostedSession, SessionContext, SessionLimits, SessionSocket } from './session-context.js';

const tickMs = 250;
const maxEndedDevices = 10_000;

export interface SessionHostDependencies {
  readonly gatewayId: string;
  readonly registry: SessionRegistry;
  readonly inbox: Inbox;
  readonly clock: Clock;
  readonly receipts: ReceiptWriter;
  readonly waves: WaveScheduler;
  /** Drains one session in this process until it is live, closed or superseded. */
  readonly drainLocally: (device: DeviceAddress, token: number) => void;
  readonly wakeUps: WakeUps;
  /** A session of the device at another gateway is over: the one here has this higher connection number. */
  readonly deviceMoved: (device: DeviceAddress, sessionEpoch: number) => void;
  /** A session of the device is registered. */
  readonly came: (device: DeviceAddress) => void;
  /** A session is over; `false`: another one of the device took its place. */
  readonly left: (session: HostedSession, wasLast: boolean) => void;
  readonly events: GatewayEvents;
  readonly limits: SessionLimits;
}

/** A device that was let in. */
export interface Greeted {
  readonly device: DeviceAddress;
  readonly connection: number;
  readonly socket: SessionSocket;
  /** In line, with others. */
  readonly waited: boolean;
  /** For longer than an inbox keeps what waits for it: it is told that something may be missing. Nothing waits for this to be known. */
  readonly awayTooLong: Promise<boolean>;
}

/** All sessions of one gateway: opens them, keeps them registered, lets time pass for them, and answers what routers and drains ask. */
export class SessionHost implements GatewayEndpoint {
  readonly gatewayId: string;
  readonly #dependencies: SessionHostDependencies;
  readonly #sessions = new Map<string, Session>();
  readonly #watched = new Set<HostedSession>();
  /** Devices that are gone for good: one may be about to be let in while that is heard. */
  readonly #ended = new LRUCache<string, CloseReason>({ max: maxEndedDevices });
  /** Devices that waited in line, until their first drain is asked for. */
  readonly #herd = new Set<string>();
  readonly #claims: MicroBatcher<SessionClaim, ClaimOutcome>;
  readonly #lease: LeaseKeeper;
  readonly #context: SessionContext;
  readonly #stop = new AbortController();

  constructor(dependencies: SessionHostDependencies) {
    const { gatewayId, registry, clock, waves, receipts, limits, events } = dependencies;
    this.gatewayId = gatewayId;
    this.#dependencies = dependencies;
    this.#claims = new MicroBatcher((claims) => registry.claim(claims), { maxWaiting: 100_000, maxBatch: 500, retryAfterMs: 1_000 });
    this.#lease = new LeaseKeeper({
      gatewayId,
      registry,
      clock,
      sessions: () => this.#sessions.values(),
      register: (session) => this.#register(session),
      events,
    });
    this.#context = {
      limits,
      nowMs: () => clock.nowMs(),
      leaseHeld: () => this.#lease.held,
      recordDelivered: (device, items) => receipts.delivered(device, items),
      requestDrain: (device, token) => {
        waves.request({ device, token }, this.#lease.epoch, this.#herd.delete(deviceKey(device)));
      },
      drainLocally: (device, token) => {
        events.drainedLocally(device);
        dependencies.drainLocally(device, token);
      },
      workflowsAreAway: () => waves.engineIsAway,
      watch: (session) => this.#watched.add(session),
      closed: (session, reason, drained) => {
        this.#closed(session, reason);
        // What was pushed to it is the router's to care for.
        if (!drained && reason !== 'displaced') dependencies.wakeUps.ask(session.device, 'unless-back');
      },
      turned: (device, why) => {
        events.sessionDraining(device, why);
      },
    };
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Sessions whose inbox is being read to them. */
  draining(): number {
    let count = 0;
    for (const { isDraining } of this.#sessions.values()) if (isDraining) count += 1;
    return count;
  }

  /** Takes the gateway lease, as soon as the registry gives it, and lets time pass from now on. */
  start(): void {
    this.#lease.start(this.#stop.signal);
    void this.#tickUntilStopped();
  }

  /** Closes every session, gives the lease back. */
  async stop(reason: CloseReason): Promise<void> {
    this.#stop.abort();
    for (const session of [...this.#sessions.values()]) session.close(reason);
    await this.#lease.close();
  }

  /**
   * A device said hello: the highest connection number wins (rule 6). The session comes back at once, in `opening`; it turns draining or live by itself.
   * `undefined`: a higher connection of the device is here, or the device is gone for good; the socket was closed.
   */
  open({ device, connection, socket, waited, awayTooLong }: Greeted, welcome: (inbox: 'empty' | 'draining') => ServerFrame): Session | undefined {
    const key = deviceKey(device);
    const present = this.#sessions.get(key);
    const refused = present !== undefined && present.sessionEpoch > connection ? 'displaced' : this.#ended.get(key);
    if (refused !== undefined) {
      socket.close(refused);
      return undefined;
    }
    present?.close('displaced');
    const session = new Session(device, connection, socket, this.#context);
    this.#sessions.set(key, session);
    if (waited) this.#herd.add(key);
    this.#dependencies.events.sessionOpened();
    void this.#bringUp(session, welcome).then(async () => {
      if (await awayTooLong) session.send({ type: 'gap', reason: 'expired' });
    });
    return session;
  }

  /** The device was unlinked, or its account erased. */
  closeDevice(device: DeviceAddress, reason: CloseReason): void {
    this.#ended.set(deviceKey(device), reason);
    this.#sessions.get(deviceKey(device))?.close(reason);
  }

  /** The device connected to another gateway. */
  displace(device: DeviceAddress, sessionEpoch: number): void {
    const session = this.#sessions.get(deviceKey(device));
    if (session !== undefined && session.sessionEpoch < sessionEpoch) session.close('displaced');
  }

  inboxChanged(device: DeviceAddress): void {
    this.#sessions.get(deviceKey(device))?.inboxChanged();
  }

  /** Whoever is not welcome yet asks by itself. */
  tell(device: DeviceAddress, frame: ServerFrame): void {
    const session = this.#sessions.get(deviceKey(device));
    if (session?.state !== 'opening') session?.send(frame);
  }

  push(linkId: string, push: Push, answer: AnswerPush): void {
    push.targets.forEach((target, index) => {
      const session = this.#find(target);
      if (session === undefined) {
        answer(index, 'gone');
        return;
      }
      const item = target.envelope === undefined ? push.item : { ...push.item, envelope: target.envelope };
      session.push({ linkId, partition: push.partition, item, index, answer }, target.stream);
    });
  }

  nudge(linkId: string, ref: SessionRef, partition: number): NudgeAnswer {
    const session = this.#find(ref);
    return session === undefined ? { outcome: 'gone' } : { outcome: 'ok', stream: session.nudge(linkId, partition) };
  }

  signal(refs: readonly SessionRef[], frame: ServerFrame): void {
    for (const ref of refs) this.#find(ref)?.send(frame);
  }

  openDrain(device: DeviceAddress, token: number): OpenDrainAnswer {
    return this.#sessions.get(deviceKey(device))?.openDrain(token) ?? { outcome: 'gone' };
  }

  drainPage({ device, token, sub }: DrainTicket, page: DrainPage): Promise<DrainPageAnswer> {
    return this.#sessions.get(deviceKey(device))?.drainPage(token, sub, page) ?? Promise.resolve('gone');
  }

  finishDrain({ device, token, sub }: DrainTicket): FinishDrainAnswer {
    return this.#sessions.get(deviceKey(device))?.finishDrain(token, sub) ?? 'gone';
  }

  giveUpDrain(device: DeviceAddress, token: number): GiveUpDrainAnswer {
    return this.#sessions.get(deviceKey(device))?.giveUpDrain(token) ?? 'gone';
  }

  linkLost(linkId: string): void {
    for (const session of this.#sessions.values()) session.linkLost(linkId);
  }

  #find({ device, sessionEpoch }: SessionRef): Session | undefined {
    const session = this.#sessions.get(deviceKey(device));
    return session?.sessionEpoch === sessionEpoch ? session : undefined;
  }

  /** Claim first, then read the inbox: whoever puts a row after this read finds the entry. Of what is in quarantine a drain tells. */
  async #bringUp(session: Session, welcome: (inbox: 'empty' | 'draining') => ServerFrame): Promise<void> {
    await this.#register(session);
    const claimed = session.registered;
    if (claimed) this.#dependencies.came(session.device);
    let inboxEmpty = false;
    try {
      const page = await this.#dependencies.inbox.read(session.device, { maxRows: 1, maxBytes: 1 });
      inboxEmpty = page.rows.length === 0 && page.suspects.length === 0;
    } catch {
      // The drain that follows reads again until the inbox answers.
    }
    session.opened(claimed && inboxEmpty, welcome);
    this.#herd.delete(deviceKey(session.device));
  }

  /** Claims the entry. What it finds is told to the session: `registered`, displaced, or neither while the registry is away. Answers whether exactly this entry was still there. */
  async #register(session: Session): Promise<Registration> {
    const leaseEpoch = this.#lease.epoch;
    if (leaseEpoch === undefined) return 'away';
    let outcome: ClaimOutcome;
    try {
      outcome = await this.#claims.add(this.#claimOf(session, leaseEpoch));
    } catch {
      this.#lease.doubt();
      return 'away';
    }
    if (session.state === 'closed') {
      this.#release(session, leaseEpoch);
      return 'lost';
    }
    if (outcome.outcome === 'lost') {
      session.close('displaced');
      return 'lost';
    }
    if (leaseEpoch !== this.#lease.epoch) return 'away';
    session.registered = true;
    if (outcome.displaced) this.#dependencies.deviceMoved(session.device, session.sessionEpoch);
    return outcome.existed ? 'kept' : 'anew';
  }

  #claimOf(session: HostedSession, leaseEpoch: number): SessionClaim {
    return { device: session.device, gatewayId: this.gatewayId, leaseEpoch, sessionEpoch: session.sessionEpoch };
  }

  /** Best effort: an entry that stays behind expires, and its pushes are answered `gone`. */
  #release(session: HostedSession, leaseEpoch: number): void {
    this.#dependencies.registry.release([this.#claimOf(session, leaseEpoch)]).catch(() => undefined);
  }

  #closed(session: HostedSession, reason: CloseReason): void {
    const key = deviceKey(session.device);
    this.#watched.delete(session);
    if (this.#sessions.get(key) === session) this.#sessions.delete(key);
    if (reason !== 'displaced' && this.#lease.epoch !== undefined) this.#release(session, this.#lease.epoch);
    this.#dependencies.left(session, reason !== 'displaced');
    this.#dependencies.events.sessionClosed(reason);
  }

  async #tickUntilStopped(): Promise<void> {
    const { clock } = this.#dependencies;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await clock.sleep(tickMs, signal).catch(() => undefined);
      const nowMs = clock.nowMs();
      for (const session of this.#watched) if (!session.tick(nowMs)) this.#watched.delete(session);
    }
  }
}
