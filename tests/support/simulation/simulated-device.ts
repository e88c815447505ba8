import type { Session } from '../../../gateway/websocket/session.js';
import type { SessionSocket } from '../../../gateway/websocket/session-context.js';
import type { CloseReason } from '../../../protocol/close-codes.js';
import { deviceKey, type DeviceAddress } from '../../../protocol/ids.js';
import type { DeliverItem, ServerFrame } from '../../../protocol/server-frames.js';
import type { Environment, Owner } from './environment.js';

/** The gateway process that a device reaches. */
export interface ReachedGateway {
  readonly owner: Owner;
  open(device: DeviceAddress, connection: number, socket: SessionSocket, welcome: (inbox: 'empty' | 'draining') => ServerFrame): Session | undefined;
}

interface Connection {
  readonly number: number;
  readonly gateway: ReachedGateway;
  open: boolean;
  /** Half-open: nothing passes any more, and the gateway does not know. */
  broken: boolean;
  session: Session | undefined;
  toDeviceMs: number;
  toGatewayMs: number;
}

/** A device that stores what it gets, acks after storing, and comes back whenever it loses its connection. */
export class SimulatedDevice {
  readonly address: DeviceAddress;
  readonly stored = new Set<string>();
  readonly violations: string[] = [];
  duplicates = 0;
  acksLate = false;
  readonly #environment: Environment;
  readonly #pickGateway: () => ReachedGateway | undefined;
  readonly #lastPosition = new Map<string, number>();
  #connection: Connection | undefined;
  #number = 0;

  constructor(address: DeviceAddress, environment: Environment, pickGateway: () => ReachedGateway | undefined) {
    this.address = address;
    this.#environment = environment;
    this.#pickGateway = pickGateway;
  }

  get session(): Session | undefined {
    return this.#connection?.session;
  }

  /** Comes back by itself as long as the simulation runs. */
  async live(): Promise<void> {
    const { clock } = this.#environment;
    await clock.sleep(this.#environment.between(0, 3_000));
    for (;;) {
      if (this.#connection === undefined) this.connect();
      await clock.sleep(this.#environment.between(50, clock.nowMs() < this.#environment.quietFromMs ? 4_000 : 400));
    }
  }

  connect(): void {
    const gateway = this.#pickGateway();
    if (gateway === undefined) return;
    const connection: Connection = {
      number: ++this.#number,
      gateway,
      open: true,
      broken: false,
      session: undefined,
      toDeviceMs: 0,
      toGatewayMs: 0,
    };
    this.#connection = connection;
    this.#environment.clock.after(this.#environment.latency(30, 120), () => {
      if (gateway.owner.dead) this.#lost(connection);
      else if (connection.open) this.#hello(connection);
    });
  }

  /** Goes without a word; the gateway finds out by its heartbeat. */
  vanish(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.broken = true;
    this.#connection = undefined;
  }

  /** Nothing passes for a while, then the device notices. */
  blackHole(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.broken = true;
    this.#environment.clock.after(this.#environment.between(5_000, 15_000), () => this.#lost(connection));
  }

  close(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    this.#environment.clock.after(this.#environment.latency(20, 60), () => {
      connection.open = false;
      connection.session?.close('goingAway');
    });
  }

  /** The gateway's process died: its sockets are cut. */
  gatewayDied(gateway: ReachedGateway): void {
    const connection = this.#connection;
    if (connection?.gateway !== gateway) return;
    connection.open = false;
    this.#environment.clock.after(this.#environment.between(10, 2_000), () => this.#lost(connection));
  }

  #hello(connection: Connection): void {
    const socket: SessionSocket = {
      send: (frame) => this.#toDevice(connection, frame),
      bufferedBytes: () => 0,
      close: (reason) => this.#closed(connection, reason),
    };
    const { accountId, deviceId } = this.address;
    connection.session = connection.gateway.open(this.address, connection.number, socket, (inbox) => ({
      type: 'welcome',
      accountId,
      deviceId,
      sessionEpoch: connection.number,
      gatewayId: 'simulated',
      heartbeatMs: 25_000,
      limits: {},
      inbox,
      serverTimeMs: 0,
    }));
    void this.#heartbeat(connection);
  }

  async #heartbeat(connection: Connection): Promise<void> {
    const { clock } = this.#environment;
    for (;;) {
      await clock.sleep(25_000);
      const { session, gateway } = connection;
      if (session === undefined || session.state === 'closed' || gateway.owner.dead) return;
      if (connection.open && !connection.broken) session.heard();
      else {
        await clock.sleep(10_000);
        session.close('heartbeatMissed');
      }
    }
  }

  #closed(connection: Connection, _reason: CloseReason): void {
    this.#environment.clock.after(this.#environment.latency(20, 60), () => {
      if (!connection.broken) this.#lost(connection);
    });
    connection.open = false;
  }

  #lost(connection: Connection): void {
    if (this.#connection === connection) this.#connection = undefined;
  }

  #toDevice(connection: Connection, frame: ServerFrame): void {
    if (frame.type !== 'deliver') return;
    const { clock } = this.#environment;
    connection.toDeviceMs = Math.max(connection.toDeviceMs + 0.001, clock.nowMs() + this.#environment.latency(20, 80));
    clock.after(connection.toDeviceMs - clock.nowMs(), () => {
      if (!connection.open || connection.broken || this.#connection !== connection) return;
      for (const item of frame.items) this.#store(item);
      this.#ack(connection, frame.seq);
    });
  }

  #store({ conversationId, position, messageId }: DeliverItem): void {
    const last = this.#lastPosition.get(conversationId) ?? -1;
    if (this.stored.has(messageId)) this.duplicates += 1;
    else if (position < last) this.violations.push(`${deviceKey(this.address)} got ${messageId} at ${position} after ${last} of ${conversationId}`);
    this.#lastPosition.set(conversationId, Math.max(last, position));
    this.stored.add(messageId);
  }

  #ack(connection: Connection, seq: number): void {
    const { clock, quietFromMs } = this.#environment;
    const late = this.acksLate && clock.nowMs() < quietFromMs && this.#environment.chance(0.04);
    const thinkMs = late ? this.#environment.between(3_000, 9_000) : this.#environment.between(1, 20);
    connection.toGatewayMs = Math.max(connection.toGatewayMs + 0.001, clock.nowMs() + thinkMs + this.#environment.latency(20, 80));
    clock.after(connection.toGatewayMs - clock.nowMs(), () => {
      if (connection.open && !connection.broken && !connection.gateway.owner.dead) connection.session?.ack(seq);
    });
  }
}
