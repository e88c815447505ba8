import { eventually } from './eventually.js';
import type { PushService, ReceivedPush, Subscriber } from './push-service.js';
import type { RawClient } from './raw-client.js';
import { RawPair } from './raw-pair.js';

/** For what begins after a quiet period, or after a device had its time to come back. */
export const patienceMs = 25_000;

let paths = 0;

interface Server {
  readonly publicUrl: string;
  readonly socketUrl: string;
}

/** Alice writes; Bob is away, and subscribed at a path of its own. */
export class Absence {
  readonly pair: RawPair;
  readonly path: string;
  readonly subscriber: Subscriber;
  readonly #server: Server;
  readonly #service: PushService;

  private constructor(server: Server, service: PushService, pair: RawPair) {
    paths += 1;
    this.#server = server;
    this.#service = service;
    this.pair = pair;
    this.path = `/push/${paths}`;
    this.subscriber = service.subscriber(this.path);
  }

  static async begin(server: Server, service: PushService): Promise<Absence> {
    const absence = new Absence(server, service, await RawPair.register(server));
    const { status } = await absence.put(absence.subscriber.subscription);
    if (status !== 204) throw new Error(`the subscription was answered with ${status}`);
    return absence;
  }

  get pushes(): readonly ReceivedPush[] {
    return this.#service.of(this.path);
  }

  put(subscription: unknown): Promise<Response> {
    return this.#call('PUT', subscription);
  }

  remove(): Promise<Response> {
    return this.#call('DELETE');
  }

  /** Messages of Alice's, accepted. */
  async send(count = 1): Promise<void> {
    const alice = await this.pair.connect(this.pair.alice);
    for (let sent = 0; sent < count; sent += 1) {
      const message = this.pair.message();
      alice.send(message);
      const { type } = await alice.reply(message.id);
      if (type !== 'accepted') throw new Error(`a message was answered with ${type}`);
    }
    await alice.close();
  }

  /** Bob comes and takes everything that waits. */
  async drain(): Promise<RawClient> {
    const bob = await this.pair.greet(this.pair.bob);
    if ((await bob.next('welcome')).inbox === 'empty') return bob;
    await eventually(() => {
      const delivered = bob.unread.flatMap((frame) => (frame.type === 'deliver' ? [frame.seq] : []));
      if (delivered.length > 0) bob.send({ type: 'ack', seq: Math.max(...delivered) });
      if (!bob.unread.some(({ type }) => type === 'inbox.empty')) throw new Error('the inbox is not empty yet');
    });
    return bob;
  }

  /** Resolves when so many pushes came. */
  async pushed(count: number): Promise<void> {
    await eventually(() => {
      if (this.pushes.length < count) throw new Error(`${this.pushes.length} pushes of ${count}`);
    }, patienceMs);
  }

  #call(method: string, body?: unknown): Promise<Response> {
    return fetch(`${this.#server.publicUrl}/v1/devices/self/push`, {
      method,
      headers: { authorization: `Bearer ${this.pair.bob.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}
