import { setTimeout as sleep } from 'node:timers/promises';

import { WebSocket } from 'ws';

import { closeCodes } from '../../protocol/close-codes.js';
import { encodings, subprotocols } from '../../protocol/encoding.js';
import type { ClientFrame } from '../../protocol/client-frames.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import { localAddress } from './local-addresses.js';
import type { LoadDevice } from './wire.js';

export interface HerdRecord {
  /** When it was let in. */
  readonly welcomedAtMs: number;
  /** How long it was told to wait, each time that it was turned away. */
  readonly waitsMs: readonly number[];
  /** How often its hello came too late. */
  readonly latecomings: number;
}

type Answer =
  { readonly is: 'in' } | { readonly is: 'late' } | { readonly is: 'turned away'; readonly afterMs: number; readonly ticket: string | undefined };

/** One device of many that connect at once: comes back when it is told to, as often as it takes, stays, and acks what it gets. */
export class HerdDevice {
  readonly #device: LoadDevice;
  readonly #index: number;
  /** Of each message that it gets; events are none. */
  readonly #onBody: (body: Uint8Array) => void;
  readonly #leaving = new AbortController();
  #socket: WebSocket | undefined;
  #connections = 0;
  #ticket: string | undefined;
  #drained: () => void = () => undefined;
  #lost: () => void = () => undefined;
  /** Resolves when what waited for it is here. */
  drained: Promise<void> = Promise.resolve();
  /** Resolves when the connection that it has is gone. */
  lost: Promise<void> = Promise.resolve();

  constructor(device: LoadDevice, index: number, onBody: (body: Uint8Array) => void = () => undefined) {
    this.#device = device;
    this.#index = index;
    this.#onBody = onBody;
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Rejects when the server says anything but `welcome` or `reconnect`, or closes for another reason than an overload or a late hello. */
  async getIn(url: string): Promise<HerdRecord> {
    const waitsMs: number[] = [];
    for (let latecomings = 0; ;) {
      const answer = await this.#tryOnce(url);
      if (answer.is === 'in') return { welcomedAtMs: Date.now(), waitsMs, latecomings };
      if (answer.is === 'late') latecomings += 1;
      else {
        this.#ticket = answer.ticket;
        waitsMs.push(answer.afterMs);
        await sleep(answer.afterMs, undefined, { signal: this.#leaving.signal });
      }
    }
  }

  /** Gives up, whether it is in or not. */
  leave(): void {
    this.#leaving.abort();
    this.#socket?.terminate();
  }

  #tryOnce(url: string): Promise<Answer> {
    const { accountId, token } = this.#device;
    const address = localAddress(new URL(url).hostname, this.#index);
    const socket = new WebSocket(`${url}?account=${accountId}`, subprotocols.msgpack, {
      perMessageDeflate: false,
      skipUTF8Validation: true,
      ...(address === undefined ? {} : { localAddress: address }),
    });
    this.#socket = socket;
    this.drained = new Promise((resolve) => {
      this.#drained = resolve;
    });
    this.lost = new Promise((resolve) => {
      this.#lost = resolve;
    });
    return new Promise((resolve, reject) => {
      let turn: Answer | undefined;
      socket.on('open', () => {
        this.#connections += 1;
        const ticket = this.#ticket === undefined ? {} : { ticket: this.#ticket };
        this.#send({ type: 'hello', token, connection: this.#connections, device: { name: 'herd', version: '1' }, ...ticket });
      });
      socket.on('message', (data: Buffer) => {
        const frame = encodings.msgpack.decode(data) as ServerFrame;
        if (frame.type === 'welcome') resolve({ is: 'in' });
        if (frame.type === 'reconnect') turn = { is: 'turned away', afterMs: frame.afterMs, ticket: frame.ticket };
        this.#take(frame);
      });
      socket.on('error', reject);
      socket.on('close', (code) => {
        this.#lost();
        if (turn !== undefined && code === closeCodes.overloaded.code) resolve(turn);
        else if (code === closeCodes.helloTimeout.code) resolve({ is: 'late' });
        else reject(new Error(`closed with ${code} before an answer`));
      });
    });
  }

  #take(frame: ServerFrame): void {
    if (frame.type === 'welcome' && frame.inbox === 'empty') this.#drained();
    if (frame.type === 'inbox.empty') this.#drained();
    if (frame.type !== 'deliver') return;
    for (const { kind, body } of frame.items) if (kind === 'message' && body !== undefined) this.#onBody(body);
    this.#send({ type: 'ack', seq: frame.seq });
  }

  #send(frame: ClientFrame): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(encodings.msgpack.encode(frame));
  }
}
