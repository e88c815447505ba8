import { randomUUID } from 'node:crypto';

import { WebSocket } from 'ws';

import type { Clock } from '../../ports/clock.js';
import type { GatewayAddress, GatewayAddresses } from '../../ports/gateway-addresses.js';
import type { GatewayConnection, GatewayLink } from '../../ports/gateway-link.js';
import type { LinkEvents } from '../../telemetry/link-events.js';
import { LinkConnection } from './link-connection.js';
import { fullFrameBytes, maxFrameBytes } from './link-frames.js';
import { signLinkToken } from './link-token.js';

const lookEveryMs = 1_000;
const connectTimeoutMs = 2_000;
const reconnectMs = { first: 50, most: 1_000 };

export interface LinkClientDependencies {
  readonly addresses: GatewayAddresses;
  readonly secret: string;
  readonly clock: Clock;
  readonly events: LinkEvents;
}

/** Keeps a connection to every gateway that is announced. */
export class LinkClient implements GatewayLink {
  readonly #dependencies: LinkClientDependencies;
  /** Connected or on the way to it. */
  readonly #peers = new Map<string, Peer>();
  readonly #stop = new AbortController();
  #looking: Promise<void> | undefined;
  #running: Promise<void> | undefined;

  constructor(dependencies: LinkClientDependencies) {
    this.#dependencies = dependencies;
  }

  start(): void {
    this.#running = this.#run();
  }

  to(gatewayId: string): GatewayConnection | undefined {
    const peer = this.#peers.get(gatewayId);
    // One that was announced a moment ago.
    if (peer === undefined) void this.#look();
    return peer?.connection;
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('the link closes'));
    for (const peer of this.#peers.values()) peer.end();
    this.#peers.clear();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#look();
      await this.#dependencies.clock.sleep(lookEveryMs, this.#stop.signal).catch(() => undefined);
    }
  }

  #look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** While nobody can say which gateways there are, those that are known stay. */
  async #lookOnce(): Promise<void> {
    let announced: readonly GatewayAddress[];
    try {
      announced = await this.#dependencies.addresses.list();
    } catch {
      return;
    }
    if (this.#stop.signal.aborted) return;
    for (const [gatewayId, peer] of this.#peers) {
      const present = announced.some((address) => address.gatewayId === gatewayId && address.url === peer.url);
      // A connection that holds is better news than a list.
      if (present || peer.connection !== undefined) continue;
      peer.end();
      this.#peers.delete(gatewayId);
    }
    for (const address of announced) {
      if (!this.#peers.has(address.gatewayId)) this.#peers.set(address.gatewayId, new Peer(address, this.#dependencies));
    }
  }
}

/** One gateway: connects, and connects again with backoff, until it is ended. */
class Peer {
  readonly url: string;
  connection: LinkConnection | undefined;
  readonly #gatewayId: string;
  readonly #dependencies: LinkClientDependencies;
  readonly #stop = new AbortController();

  constructor({ gatewayId, url }: GatewayAddress, dependencies: LinkClientDependencies) {
    this.#gatewayId = gatewayId;
    this.url = url;
    this.#dependencies = dependencies;
    void this.#keepConnected();
  }

  end(): void {
    this.#stop.abort(new Error('the link closes'));
    this.connection?.end('the caller closes');
  }

  async #keepConnected(): Promise<void> {
    const { clock } = this.#dependencies;
    const { signal } = this.#stop;
    let pauseMs = reconnectMs.first;
    while (!signal.aborted) {
      if (await this.#connectUntilLost()) pauseMs = reconnectMs.first;
      await clock.sleep(pauseMs, signal).catch(() => undefined);
      pauseMs = Math.min(reconnectMs.most, pauseMs * 2);
    }
  }

  /** Answers whether there was a connection. */
  async #connectUntilLost(): Promise<boolean> {
    const { secret, events } = this.#dependencies;
    const linkId = randomUUID();
    const token = await signLinkToken(secret, this.#gatewayId);
    const ws = new WebSocket(`${this.url}/?link=${linkId}`, {
      headers: { authorization: `Bearer ${token}` },
      handshakeTimeout: connectTimeoutMs,
      perMessageDeflate: false,
      maxPayload: fullFrameBytes + maxFrameBytes,
    });
    return new Promise((resolve) => {
      const failed = () => {
        resolve(false);
      };
      ws.once('error', failed);
      ws.once('open', () => {
        ws.off('error', failed);
        if (this.#stop.signal.aborted) {
          ws.terminate();
          resolve(true);
          return;
        }
        events.opened(this.#gatewayId);
        this.connection = new LinkConnection(this.#gatewayId, linkId, ws, (why) => {
          this.connection = undefined;
          events.lost(this.#gatewayId, why);
          resolve(true);
        });
      });
    });
  }
}
