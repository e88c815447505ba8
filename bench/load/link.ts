import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { WebSocket } from 'ws';

import type { Encoded, FrameSink, LoadDevice, Wire } from './wire.js';

const openTimeoutMs = 60_000;

/** Frames and acks of one turn of the event loop leave together, as a client that reads in batches does it. */
const touched = new Set<Link>();

function flushTouched(): void {
  for (const link of touched) link.flush();
  touched.clear();
}

export interface LinkOptions {
  /** `ws://host:port/path`. */
  readonly url: string;
  readonly wire: Wire;
  readonly device: LoadDevice;
  readonly peer?: LoadDevice;
  readonly localAddress?: string | undefined;
}

/** What the owner of a link is told; everything but sessions and acks. */
export interface LinkEvents {
  accepted(number: number, position: number): void;
  delivered(number: number): void;
  receipted(position: number): void;
  refused(code: string, number: number | undefined): void;
  /** The socket went away without being asked to. */
  lost(code: number): void;
}

/** One device's WebSocket. Works once `opened` resolved. */
export class Link implements FrameSink {
  readonly opened: Promise<void>;
  readonly #wire: Wire;
  readonly #events: LinkEvents;
  readonly #socket: WebSocket;
  readonly #stream: Socket;
  #settle: { readonly resolve: () => void; readonly reject: (reason: Error) => void } | undefined;
  readonly #openTimer: NodeJS.Timeout;
  #ackSeq = 0;
  #corked = false;
  #closing = false;

  constructor({ url, wire, device, peer, localAddress }: LinkOptions, events: LinkEvents) {
    this.#wire = wire;
    this.#events = events;
    this.#stream = openStream(url, localAddress);
    this.#socket = new WebSocket(`${url}?account=${device.accountId}`, wire.subprotocol === undefined ? [] : [wire.subprotocol], {
      createConnection: () => this.#stream,
      perMessageDeflate: false,
      skipUTF8Validation: true,
      handshakeTimeout: openTimeoutMs,
    });
    this.opened = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#openTimer = setTimeout(() => {
      this.#failed(new Error(`no session within ${openTimeoutMs / 1000} s`));
    }, openTimeoutMs);
    this.#socket.on('open', () => {
      this.#socket.send(wire.hello(device, peer));
    });
    this.#socket.on('message', (data: Buffer) => {
      wire.read(data, this);
    });
    this.#socket.on('error', (error) => {
      this.#failed(error);
    });
    this.#socket.on('close', (code) => {
      this.#failed(new Error(`the server closed the socket with ${code}`));
      if (!this.#closing) events.lost(code);
    });
  }

  send(frame: Encoded): void {
    this.#touch();
    this.#socket.send(frame);
  }

  /** Cuts the connection; resolves when it is gone. */
  close(): Promise<void> {
    this.#closing = true;
    return new Promise((resolve) => {
      if (this.#socket.readyState === WebSocket.CLOSED) {
        resolve();
        return;
      }
      this.#socket.once('close', () => {
        resolve();
      });
      this.#socket.terminate();
    });
  }

  flush(): void {
    if (this.#ackSeq > 0 && this.#socket.readyState === WebSocket.OPEN) this.#socket.send(this.#wire.ack(this.#ackSeq));
    this.#ackSeq = 0;
    if (this.#corked) this.#stream.uncork();
    this.#corked = false;
  }

  welcomed(live: boolean): void {
    if (!live) return;
    clearTimeout(this.#openTimer);
    this.#settle?.resolve();
    this.#settle = undefined;
  }

  accepted(number: number, position: number): void {
    this.#events.accepted(number, position);
  }

  delivered(number: number): void {
    this.#events.delivered(number);
  }

  toAck(seq: number): void {
    this.#ackSeq = seq;
    this.#touch();
  }

  receipted(position: number): void {
    this.#events.receipted(position);
  }

  refused(code: string, number: number | undefined): void {
    if (this.#settle === undefined) this.#events.refused(code, number);
    else this.#failed(new Error(`the server refused the session: ${code}`));
  }

  #touch(): void {
    if (touched.size === 0) setImmediate(flushTouched);
    touched.add(this);
    if (this.#corked) return;
    this.#corked = true;
    this.#stream.cork();
  }

  #failed(reason: Error): void {
    clearTimeout(this.#openTimer);
    this.#settle?.reject(reason);
    this.#settle = undefined;
  }
}

/** Opened here, and not by `ws`, because writes are gathered on it. */
function openStream(url: string, localAddress: string | undefined): Socket {
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === 'wss:';
  const target = { host: hostname, port: port === '' ? (secure ? 443 : 80) : Number(port), ...(localAddress === undefined ? {} : { localAddress }) };
  const stream = secure ? connectTls(isIP(hostname) === 0 ? { ...target, servername: hostname } : target) : connect(target);
  return stream.setNoDelay(true);
}
