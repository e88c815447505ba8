import { describe, expect, test } from '@jest/globals';

import { createMemoryAnnouncements } from '../../adapters/memory/announcements.js';
import { createMemoryDrainPause } from '../../adapters/memory/drain-pause.js';
import { createInProcessGatewayLink } from '../../adapters/memory/gateway-link.js';
import { createMemoryQuietPeriods } from '../../adapters/memory/quiet-periods.js';
import { createMemoryHeads } from '../../adapters/memory/heads.js';
import { createMemoryPresence } from '../../adapters/memory/presence.js';
import { createMemoryRateLimiter } from '../../adapters/memory/rate-limiter.js';
import { createMemorySessionRegistry } from '../../adapters/memory/session-registry.js';
import { createMemorySignals } from '../../adapters/memory/signals.js';
import { createMemoryWaitingLine } from '../../adapters/memory/waiting-line.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import type { Announcement } from '../../ports/announcements.js';
import type { ConversationId } from '../../protocol/ids.js';
import { rateLimits } from '../../protocol/limits.js';
import { passOn, VirtualClock } from '../support/simulation/virtual-clock.js';
import { drainPauseContract } from './drain-pause-contract.js';
import { gatewayLinkContract } from './gateway-link-contract.js';
import { quietPeriodsContract } from './quiet-periods-contract.js';
import { headsContract } from './heads-contract.js';
import { presenceContract } from './presence-contract.js';
import { sessionRegistryContract } from './session-registry-contract.js';
import { signalsContract } from './signals-contract.js';
import { waitingLineContract } from './waiting-line-contract.js';

sessionRegistryContract('memory', () => {
  const clock = new VirtualClock();
  return Promise.resolve({
    registry: createMemorySessionRegistry(clock),
    pass: (ms) => passOn(clock, ms),
  });
});

drainPauseContract('memory', () => {
  const clock = new VirtualClock();
  return Promise.resolve({ drainPause: createMemoryDrainPause(clock), pass: (ms) => passOn(clock, ms) });
});
quietPeriodsContract('memory', (periodMs) => {
  const clock = new VirtualClock();
  return Promise.resolve({ quietPeriods: createMemoryQuietPeriods(clock, periodMs), pass: (ms) => passOn(clock, ms) });
});

waitingLineContract('memory', () => {
  const clock = new VirtualClock();
  return Promise.resolve({ line: createMemoryWaitingLine(clock), pass: (ms) => passOn(clock, ms) });
});

signalsContract('memory', () => {
  const signals = createMemorySignals();
  return Promise.resolve({ open: () => Promise.resolve(signals) });
});

headsContract('memory', () => {
  const heads = createMemoryHeads();
  return Promise.resolve({ open: () => Promise.resolve(heads) });
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
  test('allows a burst for each key, then so many a second, and says when the next one may come', async () => {
    const clock = new VirtualClock();
    const limiter = createMemoryRateLimiter({ ...rateLimits, send: { burst: 3, perSecond: 0.5, whenStoreIsAway: 'open' } }, clock);
    const take = (key: string, count = 1) => limiter.take('send', key, count);
    const allowed = { allowed: true };
    expect([await take('a'), await take('a'), await take('a'), await take('b')]).toEqual(Array(4).fill(allowed));
    expect(await take('a')).toEqual({ allowed: false, retryAfterMs: 2_000 });
    await passOn(clock, 1_500);
    expect(await take('a')).toEqual({ allowed: false, retryAfterMs: 500 });
    await passOn(clock, 500);
    expect([await take('a'), await take('a')]).toEqual([allowed, { allowed: false, retryAfterMs: 2_000 }]);
    await passOn(clock, 60_000);
    expect([await take('a', 3), await take('a')]).toMatchObject([allowed, { allowed: false }]);
    // More than it holds takes a full one.
    expect(await take('c', 100)).toEqual(allowed);
    expect(await take('c', 100)).toEqual({ allowed: false, retryAfterMs: 6_000 });
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
