import type { WebSocket } from 'ws';

import type { AckFrame, ClientFrame, ClientRequest, HelloFrame, TypingFrame } from '../../protocol/client-frames.js';
import type { CloseReason } from '../../protocol/close-codes.js';
import { parseClientFrame, type Encoding } from '../../protocol/encoding.js';
import { DomainError } from '../../protocol/errors.js';
import { limits } from '../../protocol/limits.js';
import type { ErrorFrame, ServerFrame } from '../../protocol/server-frames.js';
import type { GatewayEvents } from '../../telemetry/gateway-events.js';
import type { Beating } from './heartbeat-wheel.js';
import type { Session } from './session.js';
import type { FrameSocket, SocketOwner } from './socket.js';

/** Requests that wait for the one before them; above it the socket is not read until they are done. */
const maxQueuedFrames = 64;
/** Frames that decode but do not fit their schema, for the life of a connection. */
const maxBadFrames = 20;

/** A hello that was let in. */
export interface Admitted {
  readonly session: Session;
  readonly expiresAtMs: number;
}

/** What all connections of a gateway share. */
export interface ConnectionContext {
  readonly events: GatewayEvents;
  /** Lets a device in and opens its session; a refusal is thrown, or closes the socket and answers `undefined`. */
  hello(frame: HelloFrame, socket: FrameSocket): Promise<Admitted | undefined>;
  /** Handles one request. Settles when the next one may begin; replies by `reply`. */
  request(session: Session, request: Arrived<SessionRequest>, reply: Reply): Promise<void>;
  /** Best effort, without a reply. */
  typing(session: Session, frame: TypingFrame): void;
  nowMs(): number;
  /** Token renewal in place: the new expiry. */
  renew(session: Session, token: string): Promise<number>;
  greeted(connection: Connection): void;
  left(connection: Connection): void;
}

/** What a session is asked; a token renewal concerns the connection. */
export type SessionRequest = Exclude<ClientRequest, { type: 'token' }>;
/** A frame, and when it was read from its socket: others may have been before it in the queue. */
export interface Arrived<Frame> {
  readonly frame: Frame;
  readonly arrivedAtMs: number;
}
export type Reply = (frame: ServerFrame) => void;

/** One WebSocket: decodes frames, lets one hello through, then hands requests on, one at a time and in order. */
export class Connection implements Beating, SocketOwner {
  readonly #ws: WebSocket;
  readonly #socket: FrameSocket;
  readonly #encoding: Encoding;
  readonly #context: ConnectionContext;
  #greeting = false;
  #session: Session | undefined;
  #expiresAtMs = Infinity;
  #queue: Arrived<ClientRequest>[] | undefined;
  #working = false;
  #badFrames = 0;
  #heardSinceBeat = true;

  constructor(ws: WebSocket, socket: FrameSocket, encoding: Encoding, context: ConnectionContext) {
    this.#ws = ws;
    this.#socket = socket;
    this.#encoding = encoding;
    this.#context = context;
    socket.owner = this;
  }

  message(data: Buffer, isBinary: boolean): void {
    this.#heardSinceBeat = true;
    if (data.byteLength > limits.maxFrameBytes) return this.#refuse('too_large', `frame: at most ${limits.maxFrameBytes} bytes`, 'tooLarge');
    if (isBinary !== (this.#encoding.name === 'msgpack')) {
      return this.#refuse('invalid_frame', `frame: ${this.#encoding.name} goes in ${isBinary ? 'text' : 'binary'} frames`, 'badFrame');
    }
    let frame: ClientFrame;
    try {
      frame = parseClientFrame(this.#encoding, data);
    } catch (error) {
      this.#badFrame(error);
      return undefined;
    }
    return this.#take(frame);
  }

  pong(): void {
    this.#heardSinceBeat = true;
    this.#session?.heard();
  }

  /** No hello in time. */
  helloTimedOut(): void {
    this.#closeUnopened('helloTimeout');
  }

  /** The gateway closes. */
  goAway(): void {
    this.#closeSession('goingAway');
  }

  /** The gateway will close: there is another one, and the time to go there is now. */
  sendAway(): void {
    this.#socket.send({ type: 'reconnect', afterMs: 0, reason: 'draining' });
    this.#closeSession('goingAway');
  }

  cut(): void {
    this.#ws.terminate();
  }

  tooSlow(): void {
    this.#closeSession('slowConsumer');
  }

  closed(): void {
    this.#session?.close('goingAway');
    this.#queue = undefined;
    this.#context.left(this);
  }

  beat(nowMs: number): void {
    if (nowMs >= this.#expiresAtMs) return this.#closeSession('tokenExpired');
    this.#heardSinceBeat = false;
    this.#ws.ping();
  }

  answered(): boolean {
    return this.#heardSinceBeat;
  }

  missed(): void {
    this.#closeSession('heartbeatMissed');
    this.#ws.terminate();
  }

  #take(frame: ClientFrame): void {
    if (frame.type === 'hello') return this.#hello(frame);
    if (!this.#greeting) return this.#refuse('unauthenticated', `${frame.type}: hello comes first`, 'badFrame');
    if (frame.type === 'ack' || frame.type === 'typing') return this.#hear(frame);
    const session = this.#session;
    session?.heard();
    this.#queue ??= [];
    this.#queue.push({ frame, arrivedAtMs: this.#context.nowMs() });
    if (this.#queue.length >= maxQueuedFrames) this.#ws.pause();
    if (!this.#working && session !== undefined) void this.#work(session);
    return undefined;
  }

  /** What has no reply. */
  #hear(frame: AckFrame | TypingFrame): void {
    const session = this.#session;
    if (session === undefined) return;
    if (frame.type === 'typing') {
      session.heard();
      this.#context.typing(session, frame);
    } else if (!session.ack(frame.seq)) this.#refuse('invalid_frame', 'seq: beyond what was delivered', 'badFrame');
  }

  #hello(frame: HelloFrame): void {
    if (this.#greeting) return this.#refuse('invalid_frame', 'hello: only once in a connection', 'badFrame');
    this.#greeting = true;
    this.#context.greeted(this);
    void this.#greet(frame);
  }

  async #greet(frame: HelloFrame): Promise<void> {
    try {
      const admitted = await this.#context.hello(frame, this.#socket);
      if (admitted === undefined) return;
      this.#expiresAtMs = admitted.expiresAtMs;
      this.#session = admitted.session;
      if (this.#ws.readyState !== this.#ws.OPEN) admitted.session.close('goingAway');
      else if (this.#queue !== undefined) await this.#work(admitted.session);
    } catch (error) {
      this.#socket.send(this.#errorFrame(error));
      this.#closeUnopened(closeReasonOf(error));
    }
  }

  async #work(session: Session): Promise<void> {
    this.#working = true;
    for (let next = this.#queue?.shift(); next !== undefined; next = this.#queue?.shift()) {
      if (this.#ws.isPaused && (this.#queue?.length ?? 0) < maxQueuedFrames / 2) this.#ws.resume();
      await this.#answer(session, next);
    }
    this.#queue = undefined;
    this.#working = false;
  }

  async #answer(session: Session, { frame, arrivedAtMs }: Arrived<ClientRequest>): Promise<void> {
    try {
      if (frame.type === 'token') {
        this.#expiresAtMs = await this.#context.renew(session, frame.token);
        this.#socket.send({ type: 'ok', id: frame.id });
      } else {
        await this.#context.request(session, { frame, arrivedAtMs }, (answer) => {
          this.#socket.send(answer);
        });
      }
    } catch (error) {
      this.#socket.send(this.#errorFrame(error, frame.id));
    }
  }

  #badFrame(error: unknown): void {
    const frame = this.#errorFrame(error);
    const undecodable = error instanceof DomainError && error.cause !== undefined;
    this.#socket.send(frame);
    this.#badFrames += 1;
    if (undecodable || !this.#greeting) this.#closeSession('badFrame');
    else if (this.#badFrames > maxBadFrames) this.#closeSession('abuse');
  }

  #refuse(code: ErrorFrame['code'], message: string, reason: CloseReason): void {
    this.#context.events.requestRefused(code);
    this.#socket.send({ type: 'error', code, message });
    this.#closeSession(reason);
  }

  #errorFrame(error: unknown, id?: number): ErrorFrame {
    return errorFrameOf(error, this.#context.events, id);
  }

  #closeSession(reason: CloseReason): void {
    if (this.#session === undefined) this.#closeUnopened(reason);
    else this.#session.close(reason);
  }

  #closeUnopened(reason: CloseReason): void {
    this.#context.events.socketRefused(reason);
    this.#socket.close(reason);
  }
}

/** A failure as the client gets it; what is not an expected one is logged and shown without its text. */
export function errorFrameOf(error: unknown, events: GatewayEvents, id?: number): ErrorFrame {
  if (!(error instanceof DomainError)) {
    events.failed(error);
    return { type: 'error', ...(id === undefined ? {} : { id }), code: 'internal', message: 'a fault of the server; it was logged' };
  }
  events.requestRefused(error.code);
  const { id: idInDetail, ...detail } = error.detail ?? {};
  const requestId = id ?? (typeof idInDetail === 'number' ? idInDetail : undefined);
  return {
    type: 'error',
    ...(requestId === undefined ? {} : { id: requestId }),
    code: error.code,
    message: error.message,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(error.retryAfterMs) }),
    ...(Object.keys(detail).length === 0 ? {} : { detail }),
  };
}

/** Of a hello that was refused. */
function closeReasonOf(error: unknown): CloseReason {
  if (!(error instanceof DomainError)) return 'internal';
  if (error.code === 'unauthenticated') return error.detail?.['reason'] === 'expired' ? 'tokenExpired' : 'unauthenticated';
  return error.code === 'rate_limited' || error.code === 'unavailable' ? 'overloaded' : 'badFrame';
}
