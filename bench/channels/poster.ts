import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { v7 } from 'uuid';
import { WebSocket } from 'ws';

import { encodings, subprotocols } from '../../protocol/encoding.js';
import type { ClientFrame } from '../../protocol/client-frames.js';
import type { ConversationId, MessageId, Position } from '../../protocol/ids.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import type { LoadDevice } from '../load/wire.js';

const encoding = encodings.msgpack;
/** As encryption makes them of 100 bytes of text. */
const bodyBytes = 370;

export interface PostRun {
  readonly posts: number;
  /** From when a post was due until it was accepted. */
  readonly acceptedMs: readonly number[];
}

/** A device on a channel: it posts at a rate, or watches. */
export class ChannelClient {
  readonly #ws: WebSocket;
  readonly #waiting = new Map<number, (frame: ServerFrame) => void>();
  #welcomed: (() => void) | undefined;
  #requests = 0;
  /** The highest head that it was told, and how often it was told one. */
  head: Position = -1;
  frames = 0;

  private constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on('message', (data: Buffer) => {
      this.#take(encoding.decode(data) as ServerFrame);
    });
  }

  static async open(url: string, device: LoadDevice): Promise<ChannelClient> {
    const ws = new WebSocket(`${url}?account=${device.accountId}`, subprotocols.msgpack, { perMessageDeflate: false });
    const client = new ChannelClient(ws);
    await new Promise<void>((resolve, reject) => {
      ws.once('open', resolve);
      ws.once('error', reject);
    });
    const welcomed = new Promise<void>((resolve) => {
      client.#welcomed = resolve;
    });
    client.#send({ type: 'hello', token: device.token, connection: 1, device: { name: 'bench', version: '1' } });
    await welcomed;
    return client;
  }

  async watch(conversationId: ConversationId): Promise<void> {
    await this.#request((id) => ({ type: 'channels.watch', id, conversations: [conversationId] }));
  }

  /** One post after the other at fixed times, whether those before are accepted or not. Rejects when one is refused. */
  async post(conversationId: ConversationId, { perSecond, forMs }: { readonly perSecond: number; readonly forMs: number }): Promise<PostRun> {
    const posts = Math.round((perSecond * forMs) / 1_000);
    const startMs = performance.now();
    const acceptedMs = Array.from({ length: posts }, async (_, index) => {
      const dueMs = startMs + (index * 1_000) / perSecond;
      await sleep(Math.max(0, dueMs - performance.now()));
      await this.#request((id) => this.#frame(conversationId, id));
      return performance.now() - dueMs;
    });
    return { posts, acceptedMs: await Promise.all(acceptedMs) };
  }

  close(): void {
    this.#ws.terminate();
  }

  #frame(conversationId: ConversationId, id: number): ClientFrame {
    return {
      ...{ type: 'send', id, messageId: v7() as MessageId, conversationId, rosterDigest: '1', kind: 'message' },
      ...{ body: randomBytes(bodyBytes), envelopes: [], attempt: 1, strategy: 'strict' },
    };
  }

  async #request(frameOf: (id: number) => ClientFrame): Promise<void> {
    const id = ++this.#requests;
    const answer = await new Promise<ServerFrame>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#send(frameOf(id));
    });
    if (answer.type === 'error') throw new Error(`${answer.code}: ${answer.message}`);
  }

  #send(frame: ClientFrame): void {
    this.#ws.send(encoding.encode(frame));
  }

  #take(frame: ServerFrame): void {
    if (frame.type === 'welcome') this.#welcomed?.();
    else if (frame.type === 'channel.head') {
      this.head = frame.position;
      this.frames += 1;
    } else if ('id' in frame && frame.id !== undefined) {
      this.#waiting.get(frame.id)?.(frame);
      this.#waiting.delete(frame.id);
    }
  }
}
