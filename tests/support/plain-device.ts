import { randomBytes } from 'node:crypto';

import { v7 } from 'uuid';

import type { SendFrame } from '../../protocol/client-frames.js';
import type { ConversationId, DeviceAddress, MessageId } from '../../protocol/ids.js';
import type { DeliverItem, ServerFrame } from '../../protocol/server-frames.js';
import { RawClient } from './raw-client.js';

/** A registered device, and what it needs to say hello. */
export interface Credentials {
  readonly device: DeviceAddress;
  readonly registrationId: number;
  readonly token: string;
}

export interface Outgoing {
  readonly conversationId: ConversationId;
  readonly rosterDigest: string;
  readonly to: readonly Credentials[];
}

/** What changes nothing for these devices. */
const passedOver = ['welcome', 'ok', 'prekeys.low', 'reconnect', 'typing', 'presence', 'channel.head', 'channel.left'] as const;

type FrameOf<Type extends ServerFrame['type']> = Extract<ServerFrame, { type: Type }>;
type Unaccepted = SendFrame & { attempt: number };

/**
 * A device without encryption: keeps what it was delivered, acks after keeping it, and sends again, under the same ids, what was not accepted before a connection
 * broke. Its memory is the durable store that a real device has, so it outlives any server.
 */
export class PlainDevice {
  readonly credentials: Credentials;
  /** Everything delivered, in the order of arrival, without what was delivered before. */
  readonly received: DeliverItem[] = [];
  readonly accepted = new Map<MessageId, { readonly position: number; readonly conversationId: ConversationId }>();
  /** Delivered watermarks of others by conversation. */
  readonly receipted = new Map<ConversationId, number>();
  duplicates = 0;
  /** What the server refused for good, or told to be lost. */
  readonly troubles: string[] = [];
  /** Told of every receipt as it comes, with the position up to which the other device has everything. */
  onReceipt: (upTo: number) => void = () => undefined;
  /** Of everything that came, also of what it had already under another one. */
  readonly positions = new Set<number>();
  /** Highest position under which something came again. */
  repeatedUpTo = 0;
  #caughtUp = false;
  #resend: NodeJS.Timeout | undefined;
  readonly #unaccepted = new Map<MessageId, Unaccepted>();
  readonly #sentAtMs = new Map<MessageId, number>();
  #longestWaitMs = 0;
  readonly #seen = new Set<MessageId>();
  #client: RawClient | undefined;
  #connection = 0;
  #requests = 0;

  constructor(credentials: Credentials) {
    this.credentials = credentials;
  }

  get unaccepted(): number {
    return this.#unaccepted.size;
  }

  get connected(): boolean {
    return this.#client !== undefined;
  }

  /** Nothing is queued for it: said by the present connection. */
  get caughtUp(): boolean {
    return this.connected && this.#caughtUp;
  }

  /** Says hello and sends again what is not accepted. Throws if the server is away or refuses. */
  async connect(wsUrl: string): Promise<void> {
    const client = await RawClient.connect(`${wsUrl}?account=${this.credentials.device.accountId}`, 'msgpack', {}, (frame) => {
      this.#take(client, frame);
    });
    this.#connection += 1;
    client.send({ type: 'hello', token: this.credentials.token, connection: this.#connection, device: { name: 'plain', version: '1' } });
    this.#caughtUp = false;
    const { inbox } = await client.next('welcome');
    this.#caughtUp ||= inbox === 'empty';
    this.#client = client;
    void client.closed.then(() => {
      if (this.#client === client) this.#client = undefined;
    });
    this.#again(client);
  }

  /** Makes a message and sends it if there is a connection; else the next one does. */
  send({ conversationId, rosterDigest, to }: Outgoing, bodyBytes = 100): MessageId {
    const messageId = v7() as MessageId;
    const frame: Unaccepted = {
      type: 'send',
      id: ++this.#requests,
      messageId,
      conversationId,
      rosterDigest,
      kind: 'message',
      body: randomBytes(bodyBytes),
      envelopes: to.map(({ device, registrationId }) => ({ to: { ...device, registrationId }, type: 1, content: randomBytes(169) })),
      attempt: 1,
      strategy: 'strict',
    };
    this.#unaccepted.set(messageId, frame);
    this.#sentAtMs.set(messageId, performance.now());
    this.#client?.send({ ...frame });
    return messageId;
  }

  /** Longest time that a message waited for its `accepted`, in ms, since this was last asked. */
  takeLongestWaitMs(): number {
    const longestMs = this.#longestWaitMs;
    this.#longestWaitMs = 0;
    return longestMs;
  }

  async close(): Promise<void> {
    clearTimeout(this.#resend);
    await this.#client?.close();
  }

  #take(client: RawClient, frame: ServerFrame): void {
    if (isPassedOver(frame)) return;
    switch (frame.type) {
      case 'accepted':
        this.#accept(frame);
        return;
      case 'deliver':
        for (const item of frame.items) this.#keep(item);
        client.send({ type: 'ack', seq: frame.seq });
        return;
      case 'receipts':
        frame.items.forEach((item) => {
          this.#receipt(item);
        });
        return;
      case 'inbox.empty':
        this.#caughtUp = true;
        return;
      case 'error':
        this.#refused(client, frame);
        return;
      case 'gap':
        this.troubles.push(`gap: ${frame.reason}`);
    }
  }

  #accept({ messageId, position }: FrameOf<'accepted'>): void {
    const sent = this.#unaccepted.get(messageId);
    if (sent === undefined) return;
    this.#unaccepted.delete(messageId);
    this.#longestWaitMs = Math.max(this.#longestWaitMs, performance.now() - (this.#sentAtMs.get(messageId) ?? 0));
    this.#sentAtMs.delete(messageId);
    this.accepted.set(messageId, { position, conversationId: sent.conversationId });
  }

  #receipt({ conversationId, deliveredPosition }: FrameOf<'receipts'>['items'][number]): void {
    if (deliveredPosition === undefined) return;
    this.receipted.set(conversationId, Math.max(this.receipted.get(conversationId) ?? 0, deliveredPosition));
    this.onReceipt(deliveredPosition);
  }

  #refused(client: RawClient, { code, message, retryAfterMs }: FrameOf<'error'>): void {
    if (retryAfterMs === undefined) {
      this.troubles.push(`${code}: ${message}`);
      return;
    }
    clearTimeout(this.#resend);
    this.#resend = setTimeout(() => {
      this.#again(client);
    }, retryAfterMs);
  }

  #again(client: RawClient): void {
    if (this.#client !== client) return;
    for (const frame of this.#unaccepted.values()) {
      frame.attempt += 1;
      client.send({ ...frame, id: ++this.#requests });
    }
  }

  #keep(item: DeliverItem): void {
    this.positions.add(item.position);
    if (this.#seen.has(item.messageId)) {
      this.duplicates += 1;
      this.repeatedUpTo = Math.max(this.repeatedUpTo, item.position);
      return;
    }
    this.#seen.add(item.messageId);
    this.received.push(item);
  }
}

function isPassedOver(frame: ServerFrame): frame is FrameOf<(typeof passedOver)[number]> {
  return (passedOver as readonly string[]).includes(frame.type);
}
