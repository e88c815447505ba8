import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { createMemoryAnnouncements } from '../../adapters/memory/announcements.js';
import { createMemoryRateLimiter } from '../../adapters/memory/rate-limiter.js';
import { createRedisAnnouncements } from '../../adapters/redis/announcements.js';
import { createRedisDrainPause } from '../../adapters/redis/drain-pause.js';
import { createRedisLostGateways } from '../../adapters/redis/lost-gateways.js';
import { createRedisQuietPeriods } from '../../adapters/redis/quiet-periods.js';
import { RedisChannels } from '../../adapters/redis/channels.js';
import { createRedisHeads } from '../../adapters/redis/heads.js';
import { createRedisPresence } from '../../adapters/redis/presence.js';
import { createRedisRateLimiter } from '../../adapters/redis/rate-limiter.js';
import { RedisConnection } from '../../adapters/redis/redis-connection.js';
import { createRedisSessionRegistry } from '../../adapters/redis/session-registry.js';
import { createRedisSignals } from '../../adapters/redis/signals.js';
import { createRedisWaitingLine } from '../../adapters/redis/waiting-line.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { stackPorts } from '../../app/stack/endpoints.js';
import type { Announcement } from '../../ports/announcements.js';
import type { ConversationId } from '../../protocol/ids.js';
import { rateLimits } from '../../protocol/limits.js';
import { drainPauseContract } from '../contracts/drain-pause-contract.js';
import { quietPeriodsContract } from '../contracts/quiet-periods-contract.js';
import { headsContract } from '../contracts/heads-contract.js';
import { lostGatewaysContract } from '../contracts/lost-gateways-contract.js';
import { presenceContract } from '../contracts/presence-contract.js';
import { sessionRegistryContract } from '../contracts/session-registry-contract.js';
import { signalsContract } from '../contracts/signals-contract.js';
import { waitingLineContract } from '../contracts/waiting-line-contract.js';
import { eventually } from '../support/eventually.js';
import { deviceNumber, newAccountId } from '../support/ids.js';
import { openRedis } from '../support/redis.js';
import { startTcpProxy } from '../support/tcp-proxy.js';

/** Redis keeps its own time: lives are this much shorter, and time passes by waiting. */
const faster = 5;

const connections: RedisConnection[] = [];
async function open(prefix?: string, url?: string): Promise<RedisConnection> {
  const connection = await openRedis(prefix, url);
  connections.push(connection);
  return connection;
}
afterAll(() => {
  for (const connection of connections) connection.close();
});

const lives = { entryMs: 60_000 / faster, leaseMs: 10_000 / faster };
const pass = (ms: number) => sleep(ms / faster);
sessionRegistryContract('redis', async () => ({ registry: createRedisSessionRegistry(await open(), lives), pass }));
lostGatewaysContract('redis', async () => {
  const connection = await open();
  return { registry: createRedisSessionRegistry(connection, lives), lostGateways: createRedisLostGateways(connection, lives), pass };
});

drainPauseContract('redis', async () => ({ drainPause: createRedisDrainPause(await open()), pass: sleep }));
quietPeriodsContract('redis', async (periodMs) => ({ quietPeriods: createRedisQuietPeriods(await open(), periodMs), pass: sleep }));
waitingLineContract('redis', async () => ({ line: createRedisWaitingLine(await open(), 10_000 / faster), pass }));
signalsContract('redis', () => {
  const prefix = `test-${newAccountId()}`;
  return Promise.resolve({
    open: async () => {
      const connection = await open(prefix);
      return createRedisSignals(connection, new RedisChannels(connection, await open(prefix)));
    },
  });
});

headsContract('redis', () => {
  const prefix = `test-${newAccountId()}`;
  return Promise.resolve({
    open: async () => {
      const connection = await open(prefix);
      return createRedisHeads(connection, new RedisChannels(connection, await open(prefix)));
    },
  });
});

presenceContract('redis', () => {
  const prefix = `test-${newAccountId()}`;
  return Promise.resolve({
    open: async () => {
      const connection = await open(prefix);
      return createRedisPresence(connection, new RedisChannels(connection, await open(prefix)));
    },
  });
});

/** Nothing listens there. */
function away(): RedisConnection {
  const connection = new RedisConnection({ url: 'redis://127.0.0.1:1', prefix: 'test', onLost: () => undefined });
  connections.push(connection);
  return connection;
}

describe('the session registry in redis', () => {
  const device = { accountId: newAccountId(), deviceId: deviceNumber(1) };

  test('knows nobody after redis came back empty, and gives a higher lease', async () => {
    const connection = await open();
    const registry = createRedisSessionRegistry(connection);
    const lease = await registry.openLease('one');
    const claim = { device, gatewayId: 'one', leaseEpoch: lease, sessionEpoch: 1 };
    await registry.claim([claim]);
    await connection.redis.del(connection.key('leases'), connection.key('session', device.accountId));
    await sleep(2);
    expect([await registry.renewLease('one', lease), await registry.lookup([device.accountId])]).toEqual([false, [[]]]);
    expect(await registry.openLease('one')).toBeGreaterThan(lease);
  });

  test('claims, refreshes and releases thousands in one call, in their order', async () => {
    const registry = createRedisSessionRegistry(await open());
    const leaseEpoch = await registry.openLease('one');
    const claims = Array.from({ length: 1_500 }, () => ({
      device: { ...device, accountId: newAccountId() },
      gatewayId: 'one',
      leaseEpoch,
      sessionEpoch: 7,
    }));
    expect(await registry.claim(claims)).toEqual(claims.map(() => ({ outcome: 'claimed', existed: false, displaced: false })));
    await registry.release(claims.slice(0, 750));
    const accounts = claims.map((claim) => claim.device.accountId);
    expect((await registry.lookup(accounts)).map(({ length }) => length)).toEqual(claims.map((_, index) => (index < 750 ? 0 : 1)));
    expect((await registry.claim(claims)).map((answer) => answer.outcome === 'claimed' && answer.existed)).toEqual(
      claims.map((_, index) => index >= 750),
    );
  });

  test('answers `unavailable` at once while redis is away', async () => {
    const connection = away();
    await expect(connection.connect()).rejects.toMatchObject({ code: 'unavailable' });
    const registry = createRedisSessionRegistry(connection);
    const refused = { code: 'unavailable' };
    await expect(registry.lookup([device.accountId])).rejects.toMatchObject(refused);
    await expect(registry.openLease('one')).rejects.toMatchObject(refused);
    await expect(registry.claim([{ device, gatewayId: 'one', leaseEpoch: 1, sessionEpoch: 1 }])).rejects.toMatchObject(refused);
  });
});

describe('announcements over redis', () => {
  const announcement: Announcement = { kind: 'roster-changed', conversationIds: ['c' as ConversationId] };
  const openAnnouncements = async (prefix: string) =>
    createRedisAnnouncements({ connection: await open(prefix), subscriber: await open(prefix), ofThisProcess: createMemoryAnnouncements() });

  test('reach the listeners of every process once, and no other deployment', async () => {
    const prefix = `test-${newAccountId()}`;
    const [here, there, elsewhere] = [await openAnnouncements(prefix), await openAnnouncements(prefix), await openAnnouncements(`${prefix}-other`)];
    const heard = { here: 0, there: 0, elsewhere: 0 };
    here.subscribe(() => (heard.here += 1));
    const unsubscribe = there.subscribe((of) => {
      expect(of).toEqual(announcement);
      heard.there += 1;
    });
    elsewhere.subscribe(() => (heard.elsewhere += 1));
    // What nobody of ours said is passed over.
    const stranger = await open(prefix);
    await stranger.redis.publish(stranger.key('announcements'), 'nonsense');
    await here.publish(announcement);
    await eventually(() => expect(heard).toEqual({ here: 1, there: 1, elsewhere: 0 }));
    unsubscribe();
    await here.publish(announcement);
    await eventually(() => expect(heard.here).toBe(2));
    await sleep(50);
    expect(heard).toEqual({ here: 2, there: 1, elsewhere: 0 });
  });

  test('reach a listener again whose connections became half-open', async () => {
    const proxy = await startTcpProxy(stackPorts.redis);
    const prefix = `test-${newAccountId()}`;
    const through = () => open(prefix, `redis://127.0.0.1:${proxy.port}`);
    const connection = await through();
    const there = await createRedisAnnouncements({
      connection,
      subscriber: await through(),
      ofThisProcess: createMemoryAnnouncements(),
    });
    let heard = 0;
    there.subscribe(() => (heard += 1));
    proxy.strand();
    const here = await openAnnouncements(prefix);
    await eventually(async () => {
      await here.publish(announcement);
      expect(heard).toBeGreaterThan(0);
    });
    await eventually(async () => expect(await connection.ping()).toBe(true));
    await proxy.close();
  });
});

describe('channels of redis', () => {
  test('are listened to again after the connection was half-open, also those that were asked for meanwhile', async () => {
    const proxy = await startTcpProxy(stackPorts.redis);
    const prefix = `test-${newAccountId()}`;
    const through = () => open(prefix, `redis://127.0.0.1:${proxy.port}`);
    const there = new RedisChannels(await through(), await through());
    const heard: string[] = [];
    let resumed = 0;
    there.onResumed(() => (resumed += 1));
    const listen = (name: string) => there.listen(`${prefix}:${name}`, (text) => heard.push(`${name} ${text}`));
    listen('before');
    proxy.strand();
    listen('meanwhile');
    const here = new RedisChannels(await open(prefix), await open(prefix));
    await eventually(async () => {
      for (const name of ['before', 'meanwhile']) await here.publish(`${prefix}:${name}`, 'x');
      expect(heard).toEqual(expect.arrayContaining(['before x', 'meanwhile x']));
    });
    await eventually(() => expect(resumed).toBeGreaterThan(0));
    await proxy.close();
  });

  test('take a message that is lost while redis is away', async () => {
    const channels = new RedisChannels(away(), away());
    await channels.publish('somewhere', 'lost');
    channels.listen('somewhere', () => undefined)();
  });
});

describe('the rate limiter over redis', () => {
  const limits = {
    ...rateLimits,
    token: { burst: 3, perSecond: 3, whenStoreIsAway: 'open' },
    send: { burst: 1, perSecond: 1, whenStoreIsAway: 'open' },
  } as const;
  const limiterOn = (connection: RedisConnection) => createRedisRateLimiter(connection, limits, createMemoryRateLimiter(limits, createSystemClock()));

  test('counts for all processes together, says when to come back, and fills again', async () => {
    const prefix = `test-${newAccountId()}`;
    const [one, other] = [limiterOn(await open(prefix)), limiterOn(await open(prefix))];
    expect([await one.take('token', 'a'), await other.take('token', 'a'), await one.take('token', 'a'), await one.take('token', 'b')]).toEqual(
      Array(4).fill({ allowed: true }),
    );
    const refused = await other.take('token', 'a');
    expect(refused).toEqual({ allowed: false, retryAfterMs: expect.any(Number) });
    // Of three a second the next one comes after a third of one.
    const waitMs = refused.allowed ? 0 : refused.retryAfterMs;
    expect(waitMs).toBeLessThanOrEqual(334);
    await sleep(waitMs + 20);
    expect([await other.take('token', 'a'), await one.take('token', 'a')]).toMatchObject([{ allowed: true }, { allowed: false }]);
  });

  test('leaves what belongs to a device to its gateway', async () => {
    const limiter = limiterOn(away());
    expect([await limiter.take('send', 'a'), await limiter.take('send', 'a')]).toMatchObject([{ allowed: true }, { allowed: false }]);
    expect([await limiter.take('typing', 'a'), await limiter.take('typing', 'a')]).toMatchObject([{ allowed: true }, { allowed: false }]);
  });

  describe('while redis is away', () => {
    let connection: RedisConnection;
    beforeAll(async () => {
      connection = away();
      await connection.connect().catch(() => undefined);
    });

    test.each([
      ['token', { allowed: true }],
      ['groupChange', { allowed: true }],
      ['join', { allowed: true }],
      ['privacyChange', { allowed: true }],
      ['explain', { allowed: true }],
      ['media', { allowed: true }],
      ['mediaBytes', { allowed: true }],
      ['link', { allowed: false, retryAfterMs: 1_000 }],
      ['registration', { allowed: false, retryAfterMs: 1_000 }],
      ['prekeyBundle', { allowed: false, retryAfterMs: 1_000 }],
    ] as const)('%s answers as its limit says', async (name, answer) => {
      expect(await limiterOn(connection).take(name, 'a')).toEqual(answer);
    });
  });
});
