import { afterEach, describe, expect, jest, test } from '@jest/globals';

import { createMemoryAnnouncements } from '../../adapters/memory/announcements.js';
import { createInProcessGatewayLink } from '../../adapters/memory/gateway-link.js';
import { createMemoryQuietPeriods } from '../../adapters/memory/quiet-periods.js';
import { createMemoryPresence } from '../../adapters/memory/presence.js';
import { createMemoryRateLimiter } from '../../adapters/memory/rate-limiter.js';
import { createMemorySessionRegistry } from '../../adapters/memory/session-registry.js';
import { createMemorySignals } from '../../adapters/memory/signals.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import type { Announcement } from '../../ports/announcements.js';
import type { ConversationId } from '../../protocol/ids.js';
import { rateLimits } from '../../protocol/limits.js';
import { VirtualClock } from '../support/simulation/virtual-clock.js';
import { gatewayLinkContract } from './gateway-link-contract.js';
import { quietPeriodsContract } from './quiet-periods-contract.js';
import { presenceContract } from './presence-contract.js';
import { sessionRegistryContract } from './session-registry-contract.js';
import { signalsContract } from './signals-contract.js';

sessionRegistryContract('memory', () => {
  const clock = new VirtualClock();
  return Promise.resolve({
    registry: createMemorySessionRegistry(clock),
    pass: (ms) => passOn(clock, ms),
  });
});

quietPeriodsContract('memory', (periodMs) => {
  const clock = new VirtualClock();
  return Promise.resolve({ quietPeriods: createMemoryQuietPeriods(clock, periodMs), pass: (ms) => passOn(clock, ms) });
});

async function passOn(clock: VirtualClock, ms: number): Promise<void> {
  const untilMs = clock.nowMs() + ms;
  clock.after(ms, () => undefined);
  while (clock.nowMs() < untilMs) await clock.step(untilMs);
}

signalsContract('memory', () => {
  const signals = createMemorySignals();
  return Promise.resolve({ open: () => Promise.resolve(signals) });
});

presenceContract('memory', () => {
  const presence = createMemoryPresence();
  return Promise.resolve({ open: () => Promise.resolve(presence) });
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

gatewayLinkContract('in process', (endpoint) => {
  const { link, attach, detach } = createInProcessGatewayLink();
  attach(endpoint);
  return Promise.resolve({ link, cut: () => detach(endpoint.gatewayId), dispose: () => Promise.resolve() });
});

describe('the system clock', () => {
  test('wakes a sleeper early when its signal is aborted', async () => {
    const stop = new AbortController();
    const sleeping = createSystemClock().sleep(60_000, stop.signal);
    stop.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow();
  });
});
