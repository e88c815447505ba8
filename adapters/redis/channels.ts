import type { RedisConnection } from './redis-connection.js';

/** Of one command. */
const channelsAtOnce = 1_000;

/** Channels of Redis that this process listens to: subscribed while somebody does, and again whenever the connection is back. What was published meanwhile is lost. */
export class RedisChannels {
  readonly #connection: RedisConnection;
  readonly #subscriber: RedisConnection;
  readonly #listeners = new Map<string, (text: string) => void>();
  readonly #resumed = new Set<() => void>();

  /** `subscriber`: a connection that only listens. */
  constructor(connection: RedisConnection, subscriber: RedisConnection) {
    this.#connection = connection;
    this.#subscriber = subscriber;
    subscriber.redis.on('message', (channel: string, text: string) => {
      this.#listeners.get(channel)?.(text);
    });
    subscriber.redis.on('ready', () => void this.#resubscribe());
  }

  /** Lost while Redis is away; never throws. */
  async publish(channel: string, text: string): Promise<void> {
    await this.#connection.run((redis) => redis.publish(channel, text)).catch(() => undefined);
  }

  /** One listener for each channel. Returns the call that ends it. */
  listen(channel: string, listener: (text: string) => void): () => void {
    void this.listening(channel, listener);
    return () => {
      this.#end(channel);
    };
  }

  /** The same; resolves when Redis has it, or does not answer. */
  async listening(channel: string, listener: (text: string) => void): Promise<() => void> {
    this.#listeners.set(channel, listener);
    await this.#subscribe([channel]).catch(() => undefined);
    return () => {
      this.#end(channel);
    };
  }

  /** Called whenever the connection is back: something may have been missed. */
  onResumed(listener: () => void): void {
    this.#resumed.add(listener);
  }

  #end(channel: string): void {
    this.#listeners.delete(channel);
    this.#subscriber.run((redis) => redis.unsubscribe(channel)).catch(() => undefined);
  }

  async #resubscribe(): Promise<void> {
    const channels = [...this.#listeners.keys()];
    try {
      for (let at = 0; at < channels.length; at += channelsAtOnce) await this.#subscribe(channels.slice(at, at + channelsAtOnce));
    } catch {
      // The connection is gone again; it comes back and so does this.
      return;
    }
    for (const listener of this.#resumed) listener();
  }

  /** While the connection is away it fails, and is done when that is back. */
  async #subscribe(channels: readonly string[]): Promise<void> {
    await this.#subscriber.run((redis) => redis.subscribe(...channels));
  }
}
