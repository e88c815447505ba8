import { readFileSync } from 'node:fs';

import { Redis, ReplyError, type ChainableCommander } from 'ioredis';

import { DomainError } from '../../protocol/errors.js';

const connectTimeoutMs = 2_000;
/** Everything asked for here takes less than a millisecond. */
const answerTimeoutMs = 2_000;
/** Tells a connection that is half-open, also one that only listens. */
const askEveryMs = 1_000;
const longestReconnectMs = 500;
const retryAfterMs = 500;

const scriptNames = [
  'open-lease',
  'renew-lease',
  'close-lease',
  'claim-sessions',
  'release-sessions',
  'lookup-sessions',
  'offer-turns',
  'take-turns',
  'lost-gateways',
  'take-tokens',
] as const;
export type ScriptName = (typeof scriptNames)[number];

const scripts = new Map<ScriptName, string>(scriptNames.map((name) => [name, readFileSync(new URL(`scripts/${name}.lua`, import.meta.url), 'utf8')]));

export interface RedisConnectionOptions {
  readonly url: string;
  /** Before the names of keys and channels, so that several deployments may share a server. */
  readonly prefix: string;
  /** The connection broke, or could not be made; it is tried again for ever. */
  readonly onLost: (error: unknown) => void;
}

/** A connection that fails at once while Redis is away, instead of letting commands wait. */
export class RedisConnection {
  readonly redis: Redis;
  readonly #prefix: string;
  readonly #heartbeat: NodeJS.Timeout;

  constructor({ url, prefix, onLost }: RedisConnectionOptions) {
    this.#prefix = prefix;
    this.redis = new Redis(url, {
      lazyConnect: true,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      disconnectTimeout: 100,
      connectTimeout: connectTimeoutMs,
      commandTimeout: answerTimeoutMs,
      socketTimeout: answerTimeoutMs,
      retryStrategy: (attempt) => Math.min(longestReconnectMs, attempt * 50),
    });
    this.redis.on('error', onLost);
    for (const [name, lua] of scripts) this.redis.defineCommand(name, { lua });
    this.#heartbeat = setInterval(() => {
      if (this.redis.status === 'ready') this.redis.ping().catch(onLost);
    }, askEveryMs);
  }

  /** Resolves when it is connected. Throws DomainError `unavailable` while it is not, and goes on trying by itself; may be called again. */
  async connect(): Promise<void> {
    await this.run<unknown>((redis) => (redis.status === 'wait' ? redis.connect() : redis.ping()));
  }

  key(...parts: readonly string[]): string {
    return [this.#prefix, ...parts].join(':');
  }

  /** Throws DomainError `unavailable` while Redis is away. */
  async run<Result>(work: (redis: Redis) => Promise<Result>): Promise<Result> {
    try {
      return await work(this.redis);
    } catch (error) {
      // A fault in a script is ours.
      if (error instanceof ReplyError && String(error).includes('ERR')) throw error;
      throw new DomainError('unavailable', 'the session registry is away', { retryAfterMs, cause: error });
    }
  }

  /** Several commands in one round trip; the first that failed fails all. */
  pipeline<Results>(fill: (pipeline: ChainableCommander) => ChainableCommander): Promise<Results> {
    return this.run(async (redis) => {
      const answers = (await fill(redis.pipeline()).exec()) ?? [];
      return answers.map(([error, result]) => {
        if (error !== null) throw error;
        return result;
      }) as Results;
    });
  }

  /** Runs a script of `scripts/`, which Redis keeps by its digest. */
  script(name: ScriptName, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    return this.run((redis) => (redis as unknown as Record<ScriptName, Script>)[name](keys.length, ...keys, ...values));
  }

  async ping(): Promise<boolean> {
    await this.run((redis) => redis.ping());
    return true;
  }

  close(): void {
    clearInterval(this.#heartbeat);
    this.redis.disconnect();
  }
}

type Script = (numberOfKeys: number, ...keysAndValues: readonly (string | number)[]) => Promise<unknown>;
