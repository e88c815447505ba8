import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

import type { DrainTarget, InboxDrainDependencies } from '../../activities/drain-device.js';
import { StoreGate } from '../../activities/store-gate.js';
import { createMemoryDrainPause } from '../../adapters/memory/drain-pause.js';
import { readsAtOnce } from '../../app/profiles/sizes.js';
import { positionOf } from '../../core/position.js';
import type { SessionLimits, SessionSocket } from '../../gateway/websocket/session-context.js';
import { Session } from '../../gateway/websocket/session.js';
import type { EventLog } from '../../ports/event-log.js';
import type { GatewayConnection, GatewayLink } from '../../ports/gateway-link.js';
import type { History, StoredAlias, StoredMessage } from '../../ports/history.js';
import type { Inbox, InboxRow } from '../../ports/inbox.js';
import type { CloseReason } from '../../protocol/close-codes.js';
import { DomainError } from '../../protocol/errors.js';
import { conversationId, deviceKey, messageId, type ConversationId, type DeviceAddress, type MessageId } from '../../protocol/ids.js';
import { decodeReceiptRecord, type ReceiptRecord } from '../../protocol/log-records.js';
import type { DeliverItem, ServerFrame } from '../../protocol/server-frames.js';
import type { DrainEvents } from '../../telemetry/drain-events.js';
import { newDevice } from './drain-fixtures.js';
import { MemorySuspicions } from './memory-suspicions.js';
import { VirtualClock } from './simulation/virtual-clock.js';

const sender = newDevice();

/** A conversation whose id sorts by its number. */
export function conversationNumber(number: number): ConversationId {
  return conversationId.parse(`${number.toString(16).padStart(8, '0')}-0000-5000-8000-000000000000`);
}

/** Inbox and history in memory: they can be away, lag, and count their calls. */
class DrainStores {
  readonly rows = new Map<string, InboxRow[]>();
  readonly suspicions = new MemorySuspicions();
  readonly bodies = new Map<string, StoredMessage | StoredAlias>();
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** Everything below has been written to history. */
  passed: (conversation: ConversationId, position: number) => boolean = () => true;
  inboxIsAway = false;
  readTakesMs = 0;
  mostReads = 0;
  #reads = 0;
  removalsToFail = 0;

  readonly inbox: Omit<Inbox, 'queuedAtMs'> = {
    put: (entries) => {
      for (const { device, row } of entries) this.#rowsOf(device).push(row);
      return Promise.resolve();
    },
    read: async (device, { maxRows, afterConversation }) => {
      if (this.inboxIsAway) throw new DomainError('unavailable', 'the inbox is away');
      if (this.readTakesMs > 0) await this.#takeTime();
      const rows = this.#rowsOf(device)
        .filter((row) => afterConversation === undefined || row.conversationId > afterConversation)
        .sort((one, other) => one.conversationId.localeCompare(other.conversationId) || one.position - other.position);
      const suspects = this.suspicions.suspects(device);
      const shown = rows.filter((row) => !suspects.some((of) => of.state === 'quarantined' && of.messageId === row.messageId));
      return Promise.resolve({ rows: shown.slice(0, maxRows), more: shown.length > maxRows, suspects });
    },
    remove: async (device, ranges) => {
      if (this.removalsToFail > 0) {
        this.removalsToFail -= 1;
        throw new DomainError('unavailable', 'the inbox is away');
      }
      const covered = (row: InboxRow) =>
        ranges.some((range) => row.conversationId === range.conversationId && row.position >= range.first && row.position <= range.last);
      this.rows.set(
        deviceKey(device),
        this.#rowsOf(device).filter((row) => !covered(row)),
      );
      return Promise.resolve();
    },
    clear: (device) => Promise.resolve(void this.rows.delete(deviceKey(device))),
  };

  readonly history: Pick<History, 'read' | 'find'> = {
    read: (keys) => Promise.resolve(keys.map((key) => this.bodies.get(bodyKey(key)))),
    find: (ids) =>
      Promise.resolve(ids.map((id) => [...this.bodies.values()].find((body): body is StoredMessage => 'digest' in body && body.messageId === id))),
  };

  readonly receipts: ReceiptRecord[] = [];
  readonly eventLog: Pick<EventLog, 'append'> = {
    append: (_, records) => {
      this.receipts.push(...records.map(({ value }) => decodeReceiptRecord(value)));
      return Promise.resolve(records.map(() => ({ partition: 0, offset: 0, appendedAtMs: 0 })));
    },
  };

  /** Puts a row for the device, and its body unless told otherwise. */
  queue(device: DeviceAddress, row: Partial<InboxRow> & { readonly body?: Uint8Array | 'none' }): InboxRow {
    const { body, ...given } = row;
    const whole: InboxRow = {
      conversationId: conversationNumber(1),
      position: positionOf(1, this.#rowsOf(device).length),
      messageId: messageId.parse(randomUUID()),
      kind: 'message',
      sender,
      acceptedAtMs: 0,
      queuedAtMs: 0,
      ...given,
    };
    this.#rowsOf(device).push(whole);
    if (body !== 'none') this.store(whole, { body: body ?? Buffer.from('hello') });
    return whole;
  }

  store(row: InboxRow, extra: Partial<StoredMessage>): void {
    this.bodies.set(bodyKey(row), { ...row, digest: new Uint8Array(32), ...extra });
  }

  storeAlias(row: InboxRow): void {
    this.bodies.set(bodyKey(row), { ...row, duplicateOf: 0 });
  }

  left(device: DeviceAddress): InboxRow[] {
    return this.#rowsOf(device);
  }

  async #takeTime(): Promise<void> {
    this.#reads += 1;
    this.mostReads = Math.max(this.mostReads, this.#reads);
    await this.#clock.sleep(this.readTakesMs);
    this.#reads -= 1;
  }

  #rowsOf(device: DeviceAddress): InboxRow[] {
    const rows = this.rows.get(deviceKey(device)) ?? [];
    this.rows.set(deviceKey(device), rows);
    return rows;
  }
}

function bodyKey({ conversationId: conversation, position }: { readonly conversationId: ConversationId; readonly position: number }): string {
  return `${conversation}/${position}`;
}

/** A device on its socket: stores what it gets and acks it, for as long as it is told to. */
export class StageDevice implements SessionSocket {
  readonly address: DeviceAddress;
  readonly items: DeliverItem[] = [];
  readonly frames: ServerFrame[] = [];
  acks = true;
  closed: CloseReason | undefined;
  session: Session | undefined;
  /** Whatever comes behind such an item is not acked either. */
  hangsAt: MessageId | undefined;
  #hangs = false;

  constructor(address = newDevice()) {
    this.address = address;
  }

  send(frame: ServerFrame): void {
    this.frames.push(frame);
    if (frame.type !== 'deliver') return;
    this.#hangs ||= frame.items.some(({ messageId: id }) => id === this.hangsAt);
    if (this.#hangs) return;
    this.items.push(...frame.items);
    if (this.acks) queueMicrotask(() => void this.session?.ack(frame.seq));
  }

  bufferedBytes(): number {
    return 0;
  }

  close(reason: CloseReason): void {
    this.closed = reason;
  }
}

/** Real sessions of one gateway that are drained in virtual time. */
export class DrainStage {
  readonly clock = new VirtualClock();
  readonly pause = createMemoryDrainPause(this.clock);
  readonly stores = new DrainStores(this.clock);
  readonly #devices = new Map<string, StageDevice>();
  readonly requested: number[] = [];
  leaseHeld = true;
  linkIsUp = true;
  readonly events: DrainEvents & { readonly failures: unknown[]; gone: number } = {
    failures: [],
    gone: 0,
    attemptEnded: () => undefined,
    attemptFailed: (_, error) => void this.events.failures.push(error),
    messagesGone: (_, { count }) => void (this.events.gone += count),
    itemsSuspected: () => undefined,
    sessionGivenUp: () => undefined,
  };

  readonly #limits: SessionLimits;
  readonly #gate = new StoreGate(
    { pause: this.pause, clock: this.clock, events: { readsAtOnce: () => undefined, heldBack: () => undefined } },
    readsAtOnce,
  );

  constructor(limits: Partial<SessionLimits> = {}) {
    this.#limits = {
      windowItems: 64,
      windowBytes: 262_144,
      ackTimeoutMs: 5_000,
      drainSilenceMs: 15_000,
      drainSilenceWhenAwayMs: 5_000,
      maxBufferedBytes: 1_048_576,
      ...limits,
    };
  }

  get dependencies(): InboxDrainDependencies {
    const { stores, clock, events } = this;
    const history = { ...stores.history, append: unused, page: unused } as History;
    const historyPassed = (conversation: ConversationId, position: number) => Promise.resolve(stores.passed(conversation, position));
    return {
      inbox: stores.inbox,
      quarantine: stores.suspicions,
      eventLog: stores.eventLog,
      history,
      historyPassed,
      stores: this.#gate,
      link: this.#link(),
      clock,
      events,
    };
  }

  /** A device whose session has just found its inbox not empty. */
  connect(address?: DeviceAddress, connection = 7): StageDevice {
    const device = new StageDevice(address);
    const session = new Session(device.address, connection, device, {
      limits: this.#limits,
      nowMs: () => this.clock.nowMs(),
      leaseHeld: () => this.leaseHeld,
      recordDelivered: () => Promise.resolve(),
      requestDrain: (_, token) => void this.requested.push(token),
      drainLocally: (_, token) => void this.requested.push(token),
      workflowsAreAway: () => false,
      watch: () => undefined,
      closed: () => undefined,
      turned: () => undefined,
    });
    device.session = session;
    session.registered = true;
    session.opened(false, () => ({ type: 'inbox.empty', drained: 0 }));
    this.#devices.set(deviceKey(device.address), device);
    return device;
  }

  /** The newest wish for a drain. */
  target(device: StageDevice): DrainTarget {
    return { gatewayId: 'gateway-1', request: { device: device.address, token: this.requested.at(-1) ?? 0 } };
  }

  /** Lets time pass, for the sessions too, until the work is done. */
  async run<T>(work: Promise<T>): Promise<T> {
    const progress = { done: false };
    const ending = work.finally(() => {
      progress.done = true;
    });
    ending.catch(() => undefined);
    const tick = () => {
      for (const { session } of this.#devices.values()) session?.tick(this.clock.nowMs());
      if (!progress.done) this.clock.after(250, tick);
    };
    tick();
    await setImmediate();
    while (!progress.done) await this.clock.step(Number.MAX_SAFE_INTEGER);
    return ending;
  }

  #link(): GatewayLink {
    const session = (device: DeviceAddress) => this.#devices.get(deviceKey(device))?.session;
    const connection: GatewayConnection = {
      gatewayId: 'gateway-1',
      linkId: 'link-1',
      push: unused,
      nudge: unused,
      signal: (refs, frame) => {
        for (const { device, sessionEpoch } of refs) if (session(device)?.sessionEpoch === sessionEpoch) session(device)?.send(frame);
      },
      openDrain: (device, token) => Promise.resolve(session(device)?.openDrain(token) ?? { outcome: 'gone' }),
      drainPage: ({ device, token, sub }, page) => session(device)?.drainPage(token, sub, page) ?? Promise.resolve('gone'),
      finishDrain: ({ device, token, sub }) => Promise.resolve(session(device)?.finishDrain(token, sub) ?? 'gone'),
      giveUpDrain: (device, token) => Promise.resolve(session(device)?.giveUpDrain(token) ?? 'gone'),
    };
    return { to: (gatewayId) => (this.linkIsUp && gatewayId === 'gateway-1' ? connection : undefined) };
  }
}

function unused(): never {
  throw new Error('a drain does not call this');
}
