import { afterEach, describe, expect, jest, test } from '@jest/globals';

import { createMemoryAnnouncements } from '../../adapters/memory/announcements.js';
import { createInProcessGatewayLink } from '../../adapters/memory/gateway-link.js';
import { createMemoryRateLimiter } from '../../adapters/memory/rate-limiter.js';
import { createMemorySessionRegistry } from '../../adapters/memory/session-registry.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import type { Announcement } from '../../ports/announcements.js';
import type { GatewayEndpoint, Push, PushAnswer } from '../../ports/gateway-link.js';
import type { ConversationId } from '../../protocol/ids.js';
import { rateLimits } from '../../protocol/limits.js';
import { newDevice } from '../support/drain-fixtures.js';
import { VirtualClock } from '../support/simulation/virtual-clock.js';
import { sessionRegistryContract } from './session-registry-contract.js';

sessionRegistryContract('memory', () => {
  const clock = new VirtualClock();
  return Promise.resolve({
    registry: createMemorySessionRegistry(clock),
    pass: async (ms) => {
      const untilMs = clock.nowMs() + ms;
      clock.after(ms, () => undefined);
      while (clock.nowMs() < untilMs) await clock.step(untilMs);
    },
  });
});

describe('announcements in memory', () => {
  test('reach every subscriber until it ends its subscription', async () => {
    const announcements = createMemoryAnnouncements();
    const heard: Announcement[] = [];
    const unsubscribe = announcements.subscribe((announcement) => heard.push(announcement));
    announcements.subscribe((announcement) => heard.push(announcement));
    const announcement: Announcement = { kind: 'roster-changed', conversationIds: ['c' as ConversationId] };
    await announcements.publish(announcement);
    expect(heard).toEqual([announcement, announcement]);
    unsubscribe();
    await announcements.publish(announcement);
    expect(heard).toHaveLength(3);
  });
});

describe('the rate limiter in memory', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  test('allows a burst for each key, says when to come back, and fills again', async () => {
    jest.useFakeTimers();
    const limiter = createMemoryRateLimiter({ ...rateLimits, send: { burst: 3, perSecond: 3, whenStoreIsAway: 'open' } });
    const take = (key: string) => limiter.take('send', key);
    expect([await take('a'), await take('a'), await take('a'), await take('b')]).toEqual(Array(4).fill({ allowed: true }));
    const refused = await take('a');
    expect(refused).toEqual({ allowed: false, retryAfterMs: expect.any(Number) });
    jest.advanceTimersByTime(refused.allowed ? 0 : refused.retryAfterMs);
    expect(await take('a')).toEqual({ allowed: true });
  });
});

describe('the link inside a process', () => {
  const device = newDevice();
  const push = { partition: 0, targets: [0, 1].map(() => ({ device, sessionEpoch: 1, stream: 0 })) } as unknown as Push;

  function endpoint(answers: readonly PushAnswer[]): GatewayEndpoint & { lost: string[] } {
    const lost: string[] = [];
    return {
      lost,
      gatewayId: 'one',
      push: (_link, _push, answer) => answers.forEach((given, index) => answer(index, given)),
      nudge: () => ({ outcome: 'ok', stream: 3 }),
      signal: () => undefined,
      openDrain: () => ({ outcome: 'open', sub: 1, sessionEpoch: 1 }),
      drainPage: () => new Promise(() => undefined),
      finishDrain: () => 'live',
      giveUpDrain: () => 'closed',
      linkLost: (linkId) => lost.push(linkId),
    };
  }

  test('carries calls and answers while the gateway is attached', async () => {
    const { link, attach } = createInProcessGatewayLink();
    expect(link.to('one')).toBeUndefined();
    attach(endpoint(['delivered', 'refused']));
    const answers: [number, PushAnswer][] = [];
    link.to('one')?.push(push, (index, answer) => answers.push([index, answer]));
    expect(answers).toEqual([
      [0, 'delivered'],
      [1, 'refused'],
    ]);
    expect(await link.to('one')?.nudge({ device, sessionEpoch: 1 }, 0)).toEqual({ outcome: 'ok', stream: 3 });
    expect(await link.to('one')?.finishDrain({ device, token: 1, sub: 1 })).toBe('live');
  });

  test('answers lost for everything open when the gateway goes, once each, and tells the gateway', async () => {
    const { link, attach, detach } = createInProcessGatewayLink();
    const gateway = endpoint(['delivered']);
    attach(gateway);
    const connection = link.to('one');
    const answers: [number, PushAnswer][] = [];
    connection?.push(push, (index, answer) => answers.push([index, answer]));
    const page = connection?.drainPage({ device, token: 1, sub: 1 }, { items: [], short: true });
    detach('one');
    expect(answers).toEqual([
      [0, 'delivered'],
      [1, 'lost'],
    ]);
    expect([await page, gateway.lost, link.to('one')]).toEqual(['lost', [connection?.linkId], undefined]);
    expect(await connection?.nudge({ device, sessionEpoch: 1 }, 0)).toEqual({ outcome: 'lost' });
  });
});

describe('the system clock', () => {
  test('wakes a sleeper early when its signal is aborted', async () => {
    const stop = new AbortController();
    const sleeping = createSystemClock().sleep(60_000, stop.signal);
    stop.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow();
  });
});
