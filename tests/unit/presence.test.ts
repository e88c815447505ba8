import { beforeEach, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';

import { createMemoryPresence } from '../../adapters/memory/presence.js';
import { KnownPresence } from '../../core/known-presence.js';
import { PresenceHub } from '../../gateway/presence/presence-hub.js';
import type { Watcher } from '../../gateway/presence/watch.js';
import type { Devices } from '../../ports/accounts.js';
import type { Presence } from '../../ports/presence.js';
import type { Privacy } from '../../ports/privacy.js';
import type { DeviceSession, SessionRegistry } from '../../ports/session-registry.js';
import { DomainError } from '../../protocol/errors.js';
import type { AccountId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import { createPresenceEvents } from '../../telemetry/presence-events.js';
import { deviceNumber, newAccountId } from '../support/ids.js';
import { VirtualClock } from '../support/simulation/virtual-clock.js';

describe('what is known of an account', () => {
  const online = { online: true };

  test('is offline at once at first, with what is stored, and then only after 5 s of silence', () => {
    const known = new KnownPresence();
    expect([known.view, known.gone(1_000, 400), known.view]).toEqual([undefined, true, { online: false, lastSeenMs: 400 }]);
    expect([known.here(), known.here(), known.view]).toEqual([true, false, online]);
    expect(known.leaving(10_000)).toBe(15_000);
    expect([known.gone(14_999, 400), known.view]).toEqual([{ againAtMs: 15_000 }, online]);
    expect([known.gone(15_000, 400), known.view]).toEqual([true, { online: false, lastSeenMs: 10_000 }]);
    expect([known.gone(16_000, 400), known.leaving(16_000)]).toEqual([false, undefined]);
  });

  test('stays online for a device that comes back, or another one, within 5 s', () => {
    const known = new KnownPresence();
    known.here();
    known.leaving(10_000);
    expect(known.here()).toBe(false);
    expect(known.gone(16_000, undefined)).toEqual({ againAtMs: 21_000 });
    expect(known.view).toEqual(online);
  });

  test('of an account that was never there says nothing of a time', () => {
    const known = new KnownPresence();
    known.gone(1_000, undefined);
    expect(known.view).toEqual({ online: false });
  });
});

/** A hub on a clock of its own; who is online, and who may see whom, is said by the test. */
class HubStage {
  readonly clock = new VirtualClock();
  readonly online = new Set<AccountId>();
  readonly hidden = new Set<AccountId>();
  readonly presence: Presence;
  readonly hub: PresenceHub;
  registryAway = false;
  privacyAway = false;
  lookups = 0;
  readonly #resumed: (() => void)[] = [];
  readonly #stop = new AbortController();

  constructor() {
    this.presence = { ...createMemoryPresence(), onResumed: (listener) => this.#resumed.push(listener) };
    const session: DeviceSession = { deviceId: deviceNumber(1), gatewayId: 'one', leaseEpoch: 1, sessionEpoch: 1 };
    const away = () => Promise.reject(new DomainError('unavailable', 'away'));
    const registry = {
      lookup: (accounts: readonly AccountId[]) => {
        this.lookups += 1;
        return this.registryAway ? away() : Promise.resolve(accounts.map((accountId) => (this.online.has(accountId) ? [session] : [])));
      },
    };
    const privacy = {
      mayView: (pairs: readonly { accountId: AccountId }[]) =>
        this.privacyAway ? away() : Promise.resolve(pairs.map(({ accountId }) => !this.hidden.has(accountId))),
    };
    this.hub = new PresenceHub({
      presence: this.presence,
      clock: this.clock,
      registry: registry as unknown as SessionRegistry,
      privacy: privacy as unknown as Privacy,
      devices: { lastSeen: (accounts: readonly AccountId[]) => Promise.resolve(accounts.map(() => 7)) } as unknown as Devices,
      events: createPresenceEvents(new Registry()),
    });
    void this.hub.run(this.#stop.signal);
  }

  came(accountId: AccountId): void {
    this.online.add(accountId);
    void this.presence.tell({ accountId, came: true });
  }

  left(accountId: AccountId): void {
    this.online.delete(accountId);
    void this.presence.tell({ accountId, came: false });
  }

  resume(): void {
    for (const listener of this.#resumed) listener();
  }

  async pass(ms: number): Promise<void> {
    const untilMs = this.clock.nowMs() + ms;
    this.clock.after(ms, () => undefined);
    while (this.clock.nowMs() < untilMs) await this.clock.step(untilMs);
  }
}

class TestWatcher implements Watcher {
  readonly device = { accountId: newAccountId(), deviceId: deviceNumber(1) };
  state = 'live';
  readonly told: (boolean | number)[] = [];

  send(frame: ServerFrame): void {
    if (frame.type === 'presence') this.told.push(frame.lastSeenMs ?? frame.online);
  }
}

describe('watching', () => {
  let stage: HubStage;
  let ann: AccountId;
  let watcher: TestWatcher;

  beforeEach(() => {
    stage = new HubStage();
    ann = newAccountId();
    watcher = new TestWatcher();
  });

  test('tells what is, then what changes, and a reconnect not at all', async () => {
    await stage.hub.watch(watcher, [ann]);
    await stage.pass(1_000);
    expect(watcher.told).toEqual([7]);
    stage.came(ann);
    await stage.pass(200);
    stage.left(ann);
    await stage.pass(4_000);
    stage.came(ann);
    await stage.pass(60_000);
    expect(watcher.told).toEqual([7, true]);
    const leftAtMs = stage.clock.nowMs();
    stage.left(ann);
    await stage.pass(4_500);
    expect(watcher.told).toEqual([7, true]);
    await stage.pass(1_000);
    expect(watcher.told.slice(0, 2)).toEqual([7, true]);
    expect(watcher.told[2]).toBeGreaterThanOrEqual(leftAtMs);
  });

  test('takes no turns while nobody watches, before and after somebody did', async () => {
    const waits = () => stage.clock.step(stage.clock.nowMs() + 60_000);
    expect(await waits()).toBe(false);
    await stage.hub.watch(watcher, [ann]);
    await stage.pass(1_000);
    expect(watcher.told).toEqual([7]);
    stage.hub.unwatch(watcher, [ann]);
    await stage.pass(1_000);
    expect(await waits()).toBe(false);
    await stage.hub.watch(watcher, [ann]);
    await stage.pass(1_000);
    expect(watcher.told).toEqual([7, 7]);
  });

  test('finds out within 36 s what nobody told: a gateway that died took its devices with it', async () => {
    stage.online.add(ann);
    await stage.hub.watch(watcher, [ann]);
    await stage.pass(1_000);
    stage.online.delete(ann);
    await stage.pass(36_000);
    expect(watcher.told).toEqual([true, expect.any(Number)]);
    stage.online.add(ann);
    await stage.pass(31_000);
    expect(watcher.told.at(-1)).toBe(true);
  });

  test('breaks nothing while the registry is away, calls nobody gone for it, and is up to date when it is back', async () => {
    const bob = newAccountId();
    stage.online.add(ann);
    await stage.hub.watch(watcher, [ann]);
    await stage.pass(1_000);
    stage.registryAway = true;
    stage.online.delete(ann);
    await stage.hub.watch(watcher, [bob]);
    await stage.pass(60_000);
    expect(watcher.told).toEqual([true]);
    stage.registryAway = false;
    stage.resume();
    stage.online.add(bob);
    await stage.pass(2_000);
    expect(watcher.told).toEqual([true, true]);
    await stage.pass(66_000);
    expect(watcher.told).toEqual([true, true, expect.any(Number)]);
  });

  test('shows who is hidden as somebody who was never there, from when that is said, and also to who missed it', async () => {
    stage.online.add(ann);
    await stage.hub.watch(watcher, [ann]);
    await stage.pass(1_000);
    stage.hidden.add(ann);
    stage.hub.privacyChanged(ann);
    await stage.pass(200);
    expect(watcher.told).toEqual([true, false]);
    stage.hidden.delete(ann);
    await stage.pass(1_200);
    expect(watcher.told).toEqual([true, false, true]);
    const other = new TestWatcher();
    stage.hidden.add(ann);
    await stage.hub.watch(other, [ann]);
    stage.hub.privacyChanged(watcher.device.accountId, ann);
    await stage.pass(200);
    expect([watcher.told.at(-1), other.told]).toEqual([false, [false]]);
  });

  test('ends with unwatch and with the session, takes no closed one, and tells again what is asked for again', async () => {
    stage.online.add(ann);
    await stage.hub.watch(watcher, [ann, ann]);
    await stage.pass(500);
    await stage.hub.watch(watcher, [ann]);
    await stage.pass(500);
    expect([watcher.told, stage.hub.size]).toEqual([[true, true], 1]);
    stage.hub.unwatch(watcher, [ann, newAccountId()]);
    expect(stage.hub.size).toBe(0);
    await stage.hub.watch(watcher, [ann]);
    stage.hub.left(watcher);
    watcher.state = 'closed';
    await stage.hub.watch(watcher, [ann]);
    expect(stage.hub.size).toBe(0);
    const lookups = stage.lookups;
    await stage.pass(60_000);
    expect([watcher.told, stage.lookups]).toEqual([[true, true], lookups]);
  });

  test('has a limit, and leaves nothing behind of what it refuses', async () => {
    const many = Array.from({ length: limits.maxWatches }, newAccountId);
    await stage.hub.watch(watcher, many);
    await expect(stage.hub.watch(watcher, [ann])).rejects.toMatchObject({ code: 'too_large', detail: { limit: limits.maxWatches } });
    stage.hub.unwatch(watcher, many.slice(1));
    stage.privacyAway = true;
    await expect(stage.hub.watch(watcher, [ann])).rejects.toMatchObject({ code: 'unavailable' });
    expect(stage.hub.size).toBe(1);
  });

  test('10,000 watchers of one account that comes and goes get 2,000 frames a second at most, and in the end the truth', async () => {
    const watchers = Array.from({ length: 10_000 }, () => new TestWatcher());
    await Promise.all(watchers.map((each) => stage.hub.watch(each, [ann])));
    const frames = () => watchers.reduce((sum, { told }) => sum + told.length, 0);
    const eachSecond: number[] = [];
    for (let second = 0; second < 60; second += 1) {
      const before = frames();
      if (second % 12 === 0) stage.came(ann);
      if (second % 12 === 6) stage.left(ann);
      await stage.pass(1_000);
      eachSecond.push(frames() - before);
    }
    expect(Math.max(...eachSecond)).toBeLessThanOrEqual(2_000);
    stage.came(ann);
    await stage.pass(6_000);
    expect(watchers.every(({ told }) => told.at(-1) === true)).toBe(true);
    const calm = frames();
    await stage.pass(60_000);
    expect(frames()).toBe(calm);
  });
});
