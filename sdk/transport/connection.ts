import { WebSocket } from 'ws';

import type { ClientFrame, ClientRequest, HelloFrame } from '../../protocol/client-frames.js';
import { encodings, subprotocols } from '../../protocol/encoding.js';
import { DomainError } from '../../protocol/errors.js';
import type { ConversationId } from '../../protocol/ids.js';
import { serverFrame, type ErrorFrame, type ServerFrame } from '../../protocol/server-frames.js';
import { parseKnownPart } from '../known-part.js';
import { SdkError } from '../sdk-error.js';

type FrameOf<Type extends ServerFrame['type']> = Extract<ServerFrame, { type: Type }>;
type WithoutId<Frame> = Frame extends unknown ? Omit<Frame, 'id'> : never;

export type WelcomeFrame = FrameOf<'welcome'>;
export type Request = WithoutId<ClientRequest>;
export type Reply = FrameOf<'ok' | 'accepted'>;

export interface ConnectionConfig {
  /** Time for the handshake, and for the answer to `hello`. */
  readonly openTimeoutMs: number;
  /** After this much silence the server is asked for a sign of life. It pings every 25 s by itself. */
  readonly silenceMs: number;
  /** Time for that sign. */
  readonly answerMs: number;
  /** A request that has no answer after this long ends the connection; whoever asked asks again on the next one. */
  readonly requestTimeoutMs: number;
}

export const defaultConnection: ConnectionConfig = { openTimeoutMs: 15_000, silenceMs: 30_000, answerMs: 10_000, requestTimeoutMs: 30_000 };

export interface ConnectionTarget {
  readonly url: string;
  readonly config: ConnectionConfig;
  /** Gives the attempt up; an open connection is not touched by it. */
  readonly signal: AbortSignal;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
  /** An error that belongs to no request, such as a refused hello. */
  readonly error?: ErrorFrame | undefined;
  readonly slot?: Slot | undefined;
}

/** Of a `reconnect` frame: when to come back, and with what. */
export interface Slot {
  readonly afterMs: number;
  readonly ticket?: string | undefined;
}

interface Waiting {
  readonly sinceMs: number;
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/** A frame may carry 256 KiB of content; this leaves room for what is around it. */
const maxPayloadBytes = 1024 * 1024;
const encoding = encodings.msgpack;

/** One WebSocket from handshake to close: requests with their replies, acks, and a watch for silence. */
export class Connection {
  /** Resolves when the socket is gone, for whatever reason; never rejects. */
  readonly closed: Promise<Closed>;
  readonly #ws: WebSocket;
  readonly #config: ConnectionConfig;
  readonly #onFrame: (frame: ServerFrame) => void;
  readonly #waiting = new Map<number, Waiting>();
  #welcome: ((frame: WelcomeFrame) => void) | undefined;
  #requests = 0;
  #heardAtMs = performance.now();
  #watch: NodeJS.Timeout | undefined;
  #error: ErrorFrame | undefined;
  #slot: Slot | undefined;

  private constructor(ws: WebSocket, config: ConnectionConfig, onFrame: (frame: ServerFrame) => void) {
    this.#ws = ws;
    this.#config = config;
    this.#onFrame = onFrame;
    this.closed = new Promise((resolve) => {
      ws.once('close', (code, reason) => {
        this.#ended();
        resolve({ code, reason: reason.toString(), error: this.#error, slot: this.#slot });
      });
    });
    ws.on('error', () => undefined);
    ws.on('message', (data: Buffer) => {
      this.#take(data);
    });
    ws.on('ping', () => {
      this.#heardAtMs = performance.now();
    });
  }

  /** `onFrame` gets what is not a reply. Throws SdkError `offline`. */
  static async open({ url, config, signal }: ConnectionTarget, onFrame: (frame: ServerFrame) => void): Promise<Connection> {
    const ws = new WebSocket(url, subprotocols.msgpack, {
      perMessageDeflate: false,
      maxPayload: maxPayloadBytes,
      handshakeTimeout: config.openTimeoutMs,
    });
    const connection = new Connection(ws, config, onFrame);
    const giveUp = () => {
      ws.terminate();
    };
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        ws.once('open', resolve);
        ws.once('error', (cause) => {
          reject(new SdkError('offline', 'no connection to the server', { cause }));
        });
        if (signal.aborted) giveUp();
      });
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
    connection.#startWatch();
    return connection;
  }

  /** `onWelcome` runs before any later frame is handed on. Throws SdkError `offline` if the server closes instead; `closed` then tells why. */
  async hello(frame: Omit<HelloFrame, 'type'>, onWelcome: (frame: WelcomeFrame) => void): Promise<void> {
    const welcome = new Promise<void>((resolve) => {
      this.#welcome = (answer) => {
        onWelcome(answer);
        resolve();
      };
    });
    this.#send({ type: 'hello', ...frame });
    const timer = setTimeout(() => {
      this.#ws.terminate();
    }, this.#config.openTimeoutMs);
    try {
      await Promise.race([
        welcome,
        this.closed.then(({ code }) => {
          throw new SdkError('offline', `hello was answered by close ${code}`);
        }),
      ]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Throws the server's error as DomainError, or SdkError `offline` if the connection ends first: then it is not known whether the request was done. */
  request(request: Request): Promise<Reply> {
    if (this.#ws.readyState !== WebSocket.OPEN) return Promise.reject(new SdkError('offline', 'the connection is closed'));
    const id = ++this.#requests;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { sinceMs: performance.now(), resolve, reject });
      this.#send({ ...request, id });
    });
  }

  /** Everything up to `seq` is durably stored. */
  ack(seq: number): void {
    this.#send({ type: 'ack', seq });
  }

  /** Best effort. */
  typing(conversationId: ConversationId, state: 'started' | 'stopped'): void {
    this.#send({ type: 'typing', conversationId, state });
  }

  async close(): Promise<void> {
    this.#ws.close(1000);
    const timer = setTimeout(() => {
      this.#ws.terminate();
    }, this.#config.answerMs);
    await this.closed;
    clearTimeout(timer);
  }

  #send(frame: ClientFrame): void {
    if (this.#ws.readyState === WebSocket.OPEN) this.#ws.send(encoding.encode(frame));
  }

  #take(data: Buffer): void {
    this.#heardAtMs = performance.now();
    let value: unknown;
    let frame: ServerFrame;
    try {
      value = encoding.decode(data);
      frame = parseKnownPart(serverFrame, value);
    } catch (cause) {
      this.#takeUnknown(value, cause);
      return;
    }
    if (frame.type === 'ok' || frame.type === 'accepted') this.#settle(frame.id, (waiting) => waiting.resolve(frame));
    else if (frame.type === 'error') this.#takeError(frame);
    else if (frame.type === 'welcome') this.#welcome?.(frame);
    else {
      if (frame.type === 'reconnect') this.#slot = frame;
      this.#onFrame(frame);
    }
  }

  /** A newer server may say things that this version does not know. Only who waits for an answer has to hear of it. */
  #takeUnknown(value: unknown, cause: unknown): void {
    if (typeof value !== 'object' || value === null || !('id' in value) || typeof value.id !== 'number') return;
    const error = new SdkError('untrusted_server', 'the server answered something that this version does not understand', { cause });
    this.#settle(value.id, (waiting) => waiting.reject(error));
  }

  #takeError(frame: ErrorFrame): void {
    if (frame.id === undefined) {
      this.#error = frame;
      return;
    }
    this.#settle(frame.id, (waiting) => waiting.reject(domainErrorOf(frame)));
  }

  #settle(id: number, settle: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    settle(waiting);
  }

  /** A half-open socket looks healthy, and so may a server that is stuck: only silence tells. */
  #startWatch(): void {
    const { silenceMs, answerMs, requestTimeoutMs } = this.#config;
    let asked = false;
    this.#watch = setInterval(() => {
      const nowMs = performance.now();
      const silentMs = nowMs - this.#heardAtMs;
      const [oldest] = this.#waiting.values();
      if (oldest !== undefined && nowMs - oldest.sinceMs >= requestTimeoutMs) this.#ws.terminate();
      else if (silentMs < silenceMs) asked = false;
      else if (silentMs >= silenceMs + answerMs) this.#ws.terminate();
      else if (!asked) {
        asked = true;
        this.#ws.ping();
      }
    }, answerMs / 2);
    this.#ws.on('pong', () => {
      this.#heardAtMs = performance.now();
    });
  }

  #ended(): void {
    clearInterval(this.#watch);
    for (const waiting of this.#waiting.values()) waiting.reject(new SdkError('offline', 'the connection ended before the answer came'));
    this.#waiting.clear();
  }
}

function domainErrorOf({ code, message, retryAfterMs, detail }: ErrorFrame): DomainError {
  return new DomainError(code, message, { ...(retryAfterMs === undefined ? {} : { retryAfterMs }), ...(detail === undefined ? {} : { detail }) });
}
