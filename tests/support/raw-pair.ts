import { randomBytes } from 'node:crypto';

import { v7 } from 'uuid';
import type { ClientOptions } from 'ws';

import { registerPairs } from '../../bench/load/register-accounts.js';
import type { LoadDevice, LoadPair } from '../../bench/load/wire.js';
import type { SendFrame } from '../../protocol/client-frames.js';
import type { EncodingName } from '../../protocol/encoding.js';
import type { AccountId, ConversationId, DeviceId, MessageId } from '../../protocol/ids.js';
import { RawClient } from './raw-client.js';

let connections = 1;

/** Two registered devices and their conversation, for clients that speak frames. */
export class RawPair {
  readonly alice: LoadDevice;
  readonly bob: LoadDevice;
  readonly conversationId: ConversationId;
  readonly #rosterDigest: string;
  readonly #socketUrl: string;
  readonly #pair: LoadPair;
  #requests = 100;

  constructor(socketUrl: string, pair: LoadPair) {
    this.#socketUrl = socketUrl;
    this.#pair = pair;
    this.alice = pair.sender;
    this.bob = pair.receiver;
    this.conversationId = pair.conversationId as ConversationId;
    this.#rosterDigest = pair.rosterDigest;
  }

  static async register(server: { readonly publicUrl: string; readonly socketUrl: string }): Promise<RawPair> {
    const [pair] = await registerPairs(server.publicUrl, 1);
    if (pair === undefined) throw new Error('no pair was registered');
    return new RawPair(server.socketUrl, pair);
  }

  /** The same two by another way to the server. */
  through(socketUrl: string): RawPair {
    return new RawPair(socketUrl, this.#pair);
  }

  /** Says nothing. */
  open(encoding: EncodingName = 'msgpack', { accountId }: LoadDevice = this.alice, options: ClientOptions = {}): Promise<RawClient> {
    return RawClient.connect(`${this.#socketUrl}?account=${accountId}`, encoding, options);
  }

  /** Says hello, by default with a higher connection number each time. */
  async greet(device: LoadDevice, encoding: EncodingName = 'msgpack', connection = ++connections): Promise<RawClient> {
    const client = await this.open(encoding, device);
    client.send({ type: 'hello', token: device.token, connection, device: { name: 'raw', version: '1' } });
    return client;
  }

  /** Says hello and waits for the welcome. */
  async connect(device: LoadDevice, encoding: EncodingName = 'msgpack'): Promise<RawClient> {
    const client = await this.greet(device, encoding);
    await client.next('welcome');
    return client;
  }

  /** A message of Alice's for Bob that fits in every way. */
  message(changes: Partial<SendFrame> = {}): SendFrame {
    this.#requests += 1;
    return {
      type: 'send',
      id: this.#requests,
      messageId: v7() as MessageId,
      conversationId: this.conversationId,
      rosterDigest: this.#rosterDigest,
      kind: 'message',
      body: randomBytes(100),
      envelopes: [this.envelopeFor(this.bob)],
      attempt: 1,
      strategy: 'strict',
      ...changes,
    };
  }

  envelopeFor({ accountId, deviceId, registrationId }: LoadDevice): SendFrame['envelopes'][number] {
    return { to: { accountId: accountId as AccountId, deviceId: deviceId as DeviceId, registrationId }, type: 2, content: randomBytes(169) };
  }
}
