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
  readonly #unaccepted = new Map<MessageId, Unaccepted>();
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

  /** Says hello and sends again what is not accepted. Throws if the server is away or refuses. */
  async connect(wsUrl: string): Promise<void> {
    const client = await RawClient.connect(wsUrl, 'msgpack', {}, (frame) => {
      this.#take(client, frame);
    });
    this.#connection += 1;
    client.send({ type: 'hello', token: this.credentials.token, connection: this.#connection, device: { name: 'plain', version: '1' } });
    await client.next('welcome');
    this.#client = client;
    void client.closed.then(() => {
      if (this.#client === client) this.#client = undefined;
    });
    for (const frame of this.#unaccepted.values()) {
      frame.attempt += 1;
      client.send({ ...frame, id: ++this.#requests });
    }
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
    this.#client?.send({ ...frame });
    return messageId;
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }

  #take(client: RawClient, frame: ServerFrame): void {
    if (frame.type === 'accepted') {
      const sent = this.#unaccepted.get(frame.messageId);
      if (sent === undefined) return;
      this.#unaccepted.delete(frame.messageId);
      this.accepted.set(frame.messageId, { position: frame.position, conversationId: sent.conversationId });
    } else if (frame.type === 'deliver') {
      for (const item of frame.items) this.#keep(item);
      client.send({ type: 'ack', seq: frame.seq });
    } else if (frame.type === 'receipts') {
      for (const { conversationId, deliveredPosition } of frame.items) {
        this.receipted.set(conversationId, Math.max(this.receipted.get(conversationId) ?? 0, deliveredPosition ?? 0));
      }
    } else if (frame.type === 'error' && frame.retryAfterMs !== undefined) {
      setTimeout(() => {
        this.#again(client);
      }, frame.retryAfterMs);
    }
  }

  #again(client: RawClient): void {
    if (this.#client !== client) return;
    for (const frame of this.#unaccepted.values()) {
      frame.attempt += 1;
      client.send({ ...frame, id: ++this.#requests });
    }
  }

  #keep(item: DeliverItem): void {
    if (this.#seen.has(item.messageId)) {
      this.duplicates += 1;
      return;
    }
    this.#seen.add(item.messageId);
    this.received.push(item);
  }
}
