import type { Duplex } from 'node:stream';

import type { WebSocket } from 'ws';

import { closeCodes, type CloseReason } from '../../protocol/close-codes.js';
import type { Encoding } from '../../protocol/encoding.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import type { SessionSocket } from './session-context.js';

/** Above this the client does not read, and is closed with 4005. */
const maxBufferedBytes = 4 * 1024 * 1024;

/** Frames of one turn of the event loop leave in one write a socket. */
const corked = new Set<Duplex>();

function uncorkAll(): void {
  for (const socket of corked) socket.uncork();
  corked.clear();
}

function cork(socket: Duplex): void {
  if (corked.has(socket)) return;
  if (corked.size === 0) setImmediate(uncorkAll);
  corked.add(socket);
  socket.cork();
}

/** Whose socket it is. */
export interface SocketOwner {
  /** So much waits for the client that it is given up. */
  tooSlow(): void;
}

/** Writes frames to one WebSocket in its encoding. */
export class FrameSocket implements SessionSocket {
  /** Told of a client that does not read; not in the middle of a `send`, whose caller may be changing the state that closing changes too. */
  owner: SocketOwner | undefined;
  readonly #ws: WebSocket;
  readonly #stream: Duplex;
  readonly #encoding: Encoding;
  #gaveUp = false;

  constructor(ws: WebSocket, stream: Duplex, encoding: Encoding) {
    this.#ws = ws;
    this.#stream = stream;
    this.#encoding = encoding;
  }

  send(frame: ServerFrame): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    cork(this.#stream);
    this.#ws.send(this.#encoding.encode(frame));
    if (this.#gaveUp || this.#ws.bufferedAmount <= maxBufferedBytes) return;
    this.#gaveUp = true;
    setImmediate(() => this.owner?.tooSlow());
  }

  bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  close(reason: CloseReason): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    const { code, meaning } = closeCodes[reason];
    this.#ws.close(code, meaning);
  }
}
