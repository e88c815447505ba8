import { WebSocket, type ClientOptions } from 'ws';

import type { ClientFrame } from '../../protocol/client-frames.js';
import { encodings, parseServerFrame, subprotocols, type EncodingName } from '../../protocol/encoding.js';
import type { ServerFrame } from '../../protocol/server-frames.js';

type FrameType = ServerFrame['type'];
type FrameOf<Type extends FrameType> = Extract<ServerFrame, { type: Type }>;

interface Waiter {
  readonly matches: (frame: ServerFrame) => boolean;
  readonly resolve: (frame: ServerFrame) => void;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** A WebSocket that speaks the protocol and nothing else: it acks, answers and hides nothing by itself. */
export class RawClient {
  readonly closed: Promise<Closed>;
  readonly #ws: WebSocket;
  readonly #encoding: EncodingName;
  readonly #unread: ServerFrame[] = [];
  #waiters: Waiter[] = [];

  private constructor(ws: WebSocket, encoding: EncodingName, onFrame: (frame: ServerFrame) => void) {
    this.#ws = ws;
    this.#encoding = encoding;
    this.closed = new Promise((resolve) => {
      ws.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
      });
    });
    ws.on('message', (data: Buffer) => {
      const frame = parseServerFrame(encodings[encoding], data);
      onFrame(frame);
      this.#received(frame);
    });
    ws.on('error', () => undefined);
  }

  /** `onFrame` sees every frame as it comes; `next` and `reply` give each one once. */
  static async connect(
    url: string,
    encoding: EncodingName = 'msgpack',
    options: ClientOptions = {},
    onFrame: (frame: ServerFrame) => void = () => undefined,
  ): Promise<RawClient> {
    const ws = new WebSocket(url, subprotocols[encoding], { perMessageDeflate: false, ...options });
    const client = new RawClient(ws, encoding, onFrame);
    await new Promise<void>((resolve, reject) => {
      ws.once('open', resolve);
      ws.once('error', reject);
    });
    return client;
  }

  send(frame: ClientFrame): void {
    this.#ws.send(encodings[this.#encoding].encode(frame));
  }

  /** Whatever it is, as a text or a binary frame. */
  sendRaw(data: string | Uint8Array): void {
    this.#ws.send(data);
  }

  /** The next frame of that type which nobody has taken; other frames stay. */
  async next<Type extends FrameType>(
    type: Type,
    matches: (frame: FrameOf<Type>) => boolean = () => true,
    timeoutMs = 10_000,
  ): Promise<FrameOf<Type>> {
    const wanted = (frame: ServerFrame): frame is FrameOf<Type> => frame.type === type && matches(frame as FrameOf<Type>);
    const index = this.#unread.findIndex(wanted);
    if (index >= 0) return this.#unread.splice(index, 1)[0] as FrameOf<Type>;
    let timer: NodeJS.Timeout | undefined;
    const found = new Promise<ServerFrame>((resolve, reject) => {
      this.#waiters.push({ matches: wanted, resolve });
      const fail = (when: string) => {
        reject(new Error(`no ${type} frame ${when}; unread: ${JSON.stringify(this.#unread).slice(0, 500)}`));
      };
      timer = setTimeout(() => {
        fail(`in ${timeoutMs} ms`);
      }, timeoutMs);
      void this.closed.then(({ code }) => {
        fail(`before the socket was closed with ${code}`);
      });
    });
    try {
      return (await found) as FrameOf<Type>;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The one reply to a request. */
  async reply(id: number): Promise<FrameOf<'ok' | 'accepted' | 'error'>> {
    const answers = ['ok', 'accepted', 'error'] as const;
    const isReply = (frame: ServerFrame): frame is FrameOf<'ok' | 'accepted' | 'error'> =>
      (answers as readonly string[]).includes(frame.type) && 'id' in frame && frame.id === id;
    const index = this.#unread.findIndex(isReply);
    if (index >= 0) return this.#unread.splice(index, 1)[0] as FrameOf<'ok'>;
    return new Promise((resolve) => {
      this.#waiters.push({ matches: isReply, resolve: resolve as (frame: ServerFrame) => void });
    });
  }

  get unread(): readonly ServerFrame[] {
    return this.#unread;
  }

  /** Stops reading from the socket. */
  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }

  async close(): Promise<void> {
    this.#ws.close();
    await this.closed;
  }

  terminate(): void {
    this.#ws.terminate();
  }

  #received(frame: ServerFrame): void {
    const waiter = this.#waiters.find(({ matches }) => matches(frame));
    if (waiter === undefined) {
      this.#unread.push(frame);
      return;
    }
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    waiter.resolve(frame);
  }
}
