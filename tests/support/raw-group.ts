import { randomBytes } from 'node:crypto';

import { v7 } from 'uuid';

import type { LoadDevice } from '../../bench/load/wire.js';
import { bytesReplacer } from '../../protocol/bytes.js';
import type { ClientFrame, SendFrame } from '../../protocol/client-frames.js';
import { decodeEvent, type ConversationEvent } from '../../protocol/conversation-event.js';
import type { EncodingName } from '../../protocol/encoding.js';
import type { AccountId, DeviceId, MessageId } from '../../protocol/ids.js';
import { conversationView, type ConversationView } from '../../protocol/rest/conversation.js';
import { problem } from '../../protocol/rest/problem.js';
import type { DeliverItem, ServerFrame } from '../../protocol/server-frames.js';
import { RawClient } from './raw-client.js';

export const sharedEnvelope = { type: 7, content: randomBytes(190) };

let connections = 1_000;
let requests = 1_000;

export interface RawAnswer {
  readonly status: number;
  /** `ETag`. */
  readonly tag: string | undefined;
  readonly body: unknown;
}

/** A device that speaks frames and REST: it keeps what it is delivered, and acks it. */
export class RawMember {
  readonly device: LoadDevice;
  readonly items: DeliverItem[] = [];
  /** Whatever else it was told. */
  readonly frames: ServerFrame[] = [];
  readonly #server: { readonly publicUrl: string; readonly socketUrl: string };
  #client: RawClient | undefined;

  constructor(server: { readonly publicUrl: string; readonly socketUrl: string }, device: LoadDevice) {
    this.#server = server;
    this.device = device;
  }

  get accountId(): AccountId {
    return this.device.accountId as AccountId;
  }

  /** Events by their types, with who changed what left out. */
  get events(): readonly (ConversationEvent | undefined)[] {
    return this.items.filter(({ kind }) => kind === 'event').map(({ body }) => decodeEvent(body));
  }

  get messages(): readonly MessageId[] {
    return this.items.filter(({ kind }) => kind === 'message').map(({ messageId }) => messageId);
  }

  async connect(encoding: EncodingName = 'msgpack'): Promise<this> {
    const client = await RawClient.connect(`${this.#server.socketUrl}?account=${this.accountId}`, encoding, {}, (frame) => {
      if (frame.type !== 'deliver') {
        this.frames.push(frame);
        return;
      }
      this.items.push(...frame.items);
      client.send({ type: 'ack', seq: frame.seq });
    });
    client.send({ type: 'hello', token: this.device.token, connection: ++connections, device: { name: 'raw', version: '1' } });
    const { inbox } = await client.next('welcome');
    if (inbox === 'draining') await client.next('inbox.empty');
    this.#client = client;
    return this;
  }

  disconnect(): Promise<void> {
    return this.#client?.close() ?? Promise.resolve();
  }

  async ask(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
    const response = await fetch(`${this.#server.publicUrl}/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.device.token}`, ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body, bytesReplacer) }),
    });
    const text = await response.text();
    return { status: response.status, tag: response.headers.get('etag') ?? undefined, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
  }

  /** The conversation after a change that has to succeed. */
  async change(method: string, path: string, body?: unknown): Promise<ConversationView> {
    const answer = await this.ask(method, path, body);
    if (answer.status > 201) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return conversationView.parse(answer.body);
  }

  /** The code of a refusal. */
  async refusal(method: string, path: string, body?: unknown): Promise<string> {
    return problem.parse((await this.ask(method, path, body)).body).code;
  }

  /** Sends, and answers what the server says. */
  async send(view: Pick<ConversationView, 'conversationId' | 'rosterDigest'>, changes: Partial<SendFrame> = {}) {
    const frame: SendFrame = {
      ...{ type: 'send', id: ++requests, messageId: v7() as MessageId, kind: 'message', attempt: 1, strategy: 'strict' },
      ...{ conversationId: view.conversationId, rosterDigest: view.rosterDigest, body: randomBytes(300), envelopes: [], envelope: sharedEnvelope },
      ...changes,
    };
    return this.request(frame);
  }

  /** Asks anything, and answers what the server says. */
  request(frame: Extract<ClientFrame, { id: number }>) {
    this.tell(frame);
    return this.#connected().reply(frame.id);
  }

  /** What has no reply. */
  tell(frame: ClientFrame): void {
    this.#connected().send(frame);
  }

  #connected(): RawClient {
    if (this.#client === undefined) throw new Error('connect first');
    return this.#client;
  }

  /** What a device of somebody else needs, to be sent as `keys`. */
  envelope(content = randomBytes(96)): SendFrame['envelopes'][number] {
    const { deviceId, registrationId } = this.device;
    return { to: { accountId: this.accountId, deviceId: deviceId as DeviceId, registrationId }, type: 4, content };
  }
}
