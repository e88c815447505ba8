import { positionOf } from '../../core/position.js';
import type { Clock } from '../../ports/clock.js';
import type { LogRecord, PartitionAssignment, PartitionHandler } from '../../ports/event-log.js';
import type { GatewayConnection, GatewayLink, Push, PushTarget } from '../../ports/gateway-link.js';
import type { DeviceSession, SessionRegistry } from '../../ports/session-registry.js';
import { deviceKey, type AccountId, type DeviceAddress } from '../../protocol/ids.js';
import { decodeMessageRecord, type MessageRecord } from '../../protocol/log-records.js';
import type { PipelineEvents } from '../../telemetry/pipeline-events.js';
import { Chain, type ChainDependencies, type ChainItem, type PushOrder } from './chain.js';
import { CommitTracker } from './commit-tracker.js';
import type { InboxPath } from './inbox-path.js';

/** Idle chains that are remembered for their stream numbers; forgetting one costs a refused push at most. */
const maxIdleChains = 50_000;

export interface PartitionRouterDependencies {
  readonly registry: SessionRegistry;
  readonly link: GatewayLink;
  readonly inboxPath: InboxPath;
  readonly events: PipelineEvents;
  readonly clock: Clock;
  readonly epoch: number;
  /** Records that may be unresolved before fetching pauses: the log is the buffer. */
  readonly maxUnresolved: number;
  /** How long a partition that moves away waits for what is under way. */
  readonly handOverMs: number;
}

/** Delivers one partition: a look-up for a batch of records, a push for each gateway, the inbox for whoever is away; commits what is resolved for every device. */
export class PartitionRouter implements PartitionHandler {
  readonly #dependencies: PartitionRouterDependencies;
  readonly #assignment: PartitionAssignment;
  readonly #chains = new Map<string, Chain>();
  readonly #chainDependencies: ChainDependencies;
  readonly #tracker = new CommitTracker();
  #committed = -1;
  #committing = false;
  #roomFree: (() => void) | undefined;
  #allResolved: (() => void) | undefined;

  constructor(dependencies: PartitionRouterDependencies, assignment: PartitionAssignment) {
    const { inboxPath, events } = dependencies;
    this.#dependencies = dependencies;
    this.#assignment = assignment;
    this.#chainDependencies = {
      resolved: ({ offset }) => {
        if (this.#tracker.resolve(offset)) this.#progressed();
      },
      inboxPath: (device, rows, partition, wakeUp) => inboxPath.store(device, rows, partition, wakeUp),
      pushAnswered: (answer) => {
        events.pushed(answer);
      },
    };
  }

  async records(batch: readonly LogRecord[]): Promise<void> {
    const routes = batch.map(routeOf);
    const sessions = await this.#lookup(routes.flatMap(({ parts }) => parts.map(({ device }) => device.accountId)));
    const frames = routes.map((route) => this.#route(route, sessions));
    this.#dependencies.events.routed(
      routes.length,
      frames.reduce((sum, count) => sum + count, 0),
    );
    this.#progressed();
    if (this.#tracker.size < this.#dependencies.maxUnresolved) return;
    await new Promise<void>((resolve) => {
      this.#roomFree = resolve;
    });
  }

  /** Waits a while for what is under way, so that the next owner of the partition has little to repeat. */
  async revoked(): Promise<void> {
    this.#roomFree?.();
    if (this.#tracker.size === 0) return;
    const waiting = new AbortController();
    const { clock, handOverMs } = this.#dependencies;
    const resolved = new Promise<void>((resolve) => {
      this.#allResolved = resolve;
    });
    await Promise.race([resolved, clock.sleep(handOverMs, waiting.signal).catch(() => undefined)]);
    waiting.abort();
  }

  /** No answer counts as no session: rows are written, and the inbox path repeats the look-up until it succeeds. */
  async #lookup(recipients: readonly AccountId[]): Promise<Sessions> {
    const accounts = [...new Set(recipients)];
    // Posts in channels alone: nobody is looked for.
    if (accounts.length === 0) return new Map();
    try {
      const found = await this.#dependencies.registry.lookup(accounts);
      return new Map(accounts.map((accountId, index) => [accountId, found[index] ?? []]));
    } catch (error) {
      this.#dependencies.events.retried('lookup', error);
      return new Map();
    }
  }

  /** Answers to how many gateways. */
  #route({ record, message, parts }: Route, sessions: Sessions): number {
    const { epoch, clock } = this.#dependencies;
    const common = {
      conversationId: message.conversationId,
      position: positionOf(epoch, record.offset),
      messageId: message.messageId,
      kind: message.kind,
      sender: message.sender,
      acceptedAtMs: record.appendedAtMs,
    };
    // Of all devices that bring no envelope of their own: the same one.
    const shared = { ...common, queuedAtMs: clock.nowMs(), envelope: message.envelope };
    this.#tracker.begin(record.offset, parts.length);
    const pushes = new Map<GatewayConnection, { target: PushTarget; order: PushOrder }[]>();
    for (const { device, envelope } of parts) {
      const row = envelope === undefined ? shared : { ...shared, envelope };
      const order = this.#take(device, { offset: record.offset, row }, sessions);
      if (order === undefined) continue;
      const target = { device, sessionEpoch: order.session.sessionEpoch, stream: order.stream, ...(envelope === undefined ? {} : { envelope }) };
      const known = pushes.get(order.connection);
      if (known === undefined) pushes.set(order.connection, [{ target, order }]);
      else known.push({ target, order });
    }
    const { envelope, body, media, ttlSeconds } = message;
    const item = { ...common, envelope, body, media: media && [...media], ttlSeconds };
    for (const [connection, orders] of pushes) this.#push(connection, item, orders);
    return pushes.size;
  }

  #take(device: DeviceAddress, item: ChainItem, sessions: Sessions): PushOrder | undefined {
    const session = sessions.get(device.accountId)?.find(({ deviceId }) => deviceId === device.deviceId);
    const connection = session === undefined ? undefined : this.#dependencies.link.to(session.gatewayId);
    return this.#chainOf(device).take(item, session, connection);
  }

  #push(connection: GatewayConnection, item: Push['item'], orders: readonly { target: PushTarget; order: PushOrder }[]): void {
    connection.push({ partition: this.#assignment.partition, item, targets: orders.map(({ target }) => target) }, (index, answer) => {
      orders[index]?.order.answer(answer);
    });
  }

  #chainOf(device: DeviceAddress): Chain {
    const key = deviceKey(device);
    const known = this.#chains.get(key);
    if (known !== undefined) return known;
    if (this.#chains.size >= maxIdleChains) this.#forgetIdle();
    const chain = new Chain(device, this.#assignment.partition, this.#chainDependencies);
    this.#chains.set(key, chain);
    return chain;
  }

  #forgetIdle(): void {
    for (const [key, chain] of this.#chains) if (chain.idle) this.#chains.delete(key);
  }

  #progressed(): void {
    if (this.#tracker.size < this.#dependencies.maxUnresolved) this.#roomFree?.();
    if (this.#tracker.size === 0) this.#allResolved?.();
    if (!this.#committing) void this.#commit();
  }

  /** One commit at a time; what was resolved meanwhile goes with the next. */
  async #commit(): Promise<void> {
    this.#committing = true;
    for (let next = this.#tracker.resolvedUpTo(); next !== undefined && next > this.#committed; next = this.#tracker.resolvedUpTo()) {
      try {
        await this.#assignment.commit(next);
        this.#committed = next;
      } catch (error) {
        // What stays uncommitted is redelivered after a crash; the next progress tries again.
        this.#dependencies.events.retried('commit', error);
        break;
      }
    }
    this.#committing = false;
  }
}

type Sessions = ReadonlyMap<AccountId, readonly DeviceSession[]>;

/** What one device gets of a record; without `envelope` the one of the record, if that has one. */
interface Part {
  readonly device: DeviceAddress;
  readonly envelope?: { readonly type: number; readonly content: Uint8Array };
}

interface Route {
  readonly record: LogRecord;
  readonly message: MessageRecord;
  readonly parts: readonly Part[];
}

function routeOf(record: LogRecord): Route {
  const message = decodeMessageRecord(record.value);
  const { envelopes, recipients = [], withheld, sender } = message;
  const wanted = withheld === true ? envelopes.filter(({ to }) => to.accountId === sender.accountId) : envelopes;
  const sealed = wanted.map(({ to: { accountId, deviceId }, type, content }) => ({
    device: { accountId, deviceId },
    envelope: { type, content },
  }));
  return { record, message, parts: [...sealed, ...recipients.map((device) => ({ device }))] };
}
