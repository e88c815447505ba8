import type { WebSocket } from 'ws';

import { decodeLinkFrame, encodeLinkValue, fullFrameBytes, type LinkAnswer, type LinkCall } from './link-frames.js';

const pingEveryMs = 1_000;
const silentAfterMs = 3_000;
/** Bytes that the other side did not take. */
const maxBufferedBytes = 64 * 1024 * 1024;

export interface LinkSocketOptions {
  /** One end asks whether the other is there; both hear of it. */
  readonly asks: boolean;
  readonly received: (value: unknown) => void;
  /** Once; nothing is received after it. */
  readonly lost: (why: string) => void;
}

/** One end of a link: values go out in frames, one for each turn of the event loop; silence, a broken frame or a full buffer end it. */
export class LinkSocket {
  readonly #ws: WebSocket;
  readonly #options: LinkSocketOptions;
  #waiting: Buffer[] = [];
  #flushing = false;
  #heardAtMs = performance.now();
  readonly #heartbeat: NodeJS.Timeout;
  #lost = false;

  constructor(ws: WebSocket, options: LinkSocketOptions) {
    this.#ws = ws;
    this.#options = options;
    const heard = () => {
      this.#heardAtMs = performance.now();
    };
    ws.on('ping', heard);
    ws.on('pong', heard);
    ws.on('message', (data: Buffer) => {
      heard();
      this.#receive(data);
    });
    ws.on('error', (error) => {
      this.end(error.message);
    });
    ws.on('close', (code) => {
      this.end(`closed with ${code}`);
    });
    this.#heartbeat = setInterval(() => {
      this.#beat();
    }, pingEveryMs);
    this.#heartbeat.unref();
  }

  send(value: LinkCall | LinkAnswer): void {
    if (this.#lost) return;
    this.#waiting.push(encodeLinkValue(value));
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flush();
    });
  }

  end(why: string): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#waiting = [];
    clearInterval(this.#heartbeat);
    this.#ws.terminate();
    this.#options.lost(why);
  }

  #flush(): void {
    this.#flushing = false;
    const values = this.#waiting;
    this.#waiting = [];
    if (this.#lost) return;
    let frame: Buffer[] = [];
    let bytes = 0;
    for (const value of values) {
      frame.push(value);
      bytes += value.byteLength;
      if (bytes < fullFrameBytes) continue;
      this.#ws.send(Buffer.concat(frame));
      frame = [];
      bytes = 0;
    }
    if (frame.length > 0) this.#ws.send(Buffer.concat(frame));
    if (this.#ws.bufferedAmount > maxBufferedBytes) this.end('the other side does not read');
  }

  #receive(data: Buffer): void {
    if (this.#lost) return;
    try {
      for (const value of decodeLinkFrame(data)) this.#options.received(value);
    } catch (error) {
      this.end(`a frame that cannot be read: ${String(error)}`);
    }
  }

  #beat(): void {
    if (performance.now() - this.#heardAtMs > silentAfterMs) this.end(`silent for ${silentAfterMs} ms`);
    else if (this.#options.asks) this.#ws.ping();
  }
}
