import { setMaxListeners } from 'node:events';

import { describe, expect, test } from '@jest/globals';

import { createMemoryRateLimiter } from '../../adapters/memory/rate-limiter.js';
import { createMemoryWaitingLine } from '../../adapters/memory/waiting-line.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { admissionCost, newcomersOf, turnsPerSecond } from '../../core/admission-cost.js';
import { Doorkeeper, type Entry } from '../../gateway/admission/doorkeeper.js';
import { createTickets } from '../../gateway/admission/tickets.js';
import type { WaitingLine } from '../../ports/waiting-line.js';
import { DomainError } from '../../protocol/errors.js';
import { deviceId, type DeviceAddress } from '../../protocol/ids.js';
import { rateLimits } from '../../protocol/limits.js';
import { eventually } from '../support/eventually.js';
import { newAccountId } from '../support/ids.js';

const key = Buffer.alloc(32, 7);
const newDevice = (): DeviceAddress => ({ accountId: newAccountId(), deviceId: deviceId.parse(1) });

describe('a ticket', () => {
  const tickets = createTickets(key);
  const device = newDevice();
  const dueAtMs = 1_800_000_000_000;
  const ticket = tickets.issue(device, dueAtMs);

  test('is due from 2 s before its time until 30 s after it', () => {
    expect(tickets.look(ticket, device, dueAtMs - 10_000)).toEqual({ state: 'early', waitMs: 10_000 });
    expect(tickets.look(ticket, device, dueAtMs - 2_000)).toEqual({ state: 'due' });
    expect(tickets.look(ticket, device, dueAtMs + 30_000)).toEqual({ state: 'due' });
    expect(tickets.look(ticket, device, dueAtMs + 30_001)).toEqual({ state: 'void' });
  });

  test('is void in other hands, from other gateways, and when anything of it was changed', () => {
    const [due = '', mac = ''] = ticket.split('.');
    const foreign = createTickets(Buffer.alloc(32, 8)).issue(device, dueAtMs);
    const others = [foreign, '', '.', due, `${(dueAtMs + 1).toString(36)}.${mac}`, `${due}.${mac.slice(1)}`, `${due}.AAAA${mac.slice(4)}`];
    expect(others.map((other) => tickets.look(other, device, dueAtMs).state)).toEqual(others.map(() => 'void'));
    expect(tickets.look(ticket, newDevice(), dueAtMs).state).toBe('void');
  });
});

describe('what a new session costs', () => {
  test('is 1 at ease, more while the event loop or the drains lag, never more than 4', () => {
    const cost = (loopDelayMs: number, drainingSessions = 0) => admissionCost({ loopDelayMs, drainingSessions });
    expect([cost(0), cost(100), cost(101), cost(301), cost(60_000)]).toEqual([1, 1, 2, 4, 4]);
    expect([cost(0, 2_000), cost(0, 2_001), cost(150, 5_000), cost(0, 1e6)]).toEqual([1, 2, 3, 4]);
    const usual = { burst: 1_000, perSecond: 1_000, whenStoreIsAway: 'open' } as const;
    expect([turnsPerSecond(usual, 1), turnsPerSecond(usual, 3)]).toEqual([750, 250]);
    expect(newcomersOf(usual)).toEqual({ ...usual, burst: 200, perSecond: 200 });
  });
});

/** Real time; the bucket lets so many in and then, for an hour, nobody. */
class Door {
  readonly keeper: Doorkeeper;
  readonly turnedAway: boolean[] = [];
  lineFailures = 0;

  constructor({ admission, line }: { readonly admission: number; readonly line?: WaitingLine }) {
    const clock = createSystemClock();
    const within = { burst: admission, perSecond: admission / 3_600, whenStoreIsAway: 'open' as const };
    this.keeper = new Doorkeeper({
      gatewayId: 'gateway-1',
      rateLimiter: createMemoryRateLimiter({ ...rateLimits, admission: within }, clock),
      line: line ?? createMemoryWaitingLine(clock),
      tickets: createTickets(key),
      clock,
      admission: { ...within, perSecond: 10 },
      drainingSessions: () => 0,
      events: { turnedAway: (waited) => this.turnedAway.push(waited), lineAway: () => (this.lineFailures += 1) },
    });
  }

  enter(count: number): Promise<Entry[]> {
    return Promise.all(Array.from({ length: count }, () => this.keeper.enter(newDevice(), undefined)));
  }
}

function later(entry: Entry | undefined): Extract<Entry, { outcome: 'later' }> {
  if (entry?.outcome !== 'later') throw new Error('it was let in');
  return entry;
}

describe('a doorkeeper', () => {
  test('lets in what there is room for, and gives the others turns one after the other', async () => {
    const door = new Door({ admission: 3 });
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const running = door.keeper.run(stop.signal);
    const entries = await door.enter(6);
    stop.abort();
    await running;
    expect(entries.slice(0, 3)).toEqual(Array(3).fill({ outcome: 'in', waited: false }));
    const turns = entries.slice(3).map(later);
    expect(new Set(turns.map(({ ticket }) => ticket)).size).toBe(3);
    expect([...turns].sort((one, other) => one.afterMs - other.afterMs)).toEqual(turns);
    expect(door.keeper.lineMs()).toBeGreaterThan(0);
    expect(door.turnedAway).toEqual([false, false, false]);
  });

  test('lets whoever comes for its turn go before those who have not waited', async () => {
    const door = new Door({ admission: 10 });
    const device = newDevice();
    await door.enter(10);
    const turn = later(await door.keeper.enter(device, undefined));
    expect(turn.afterMs).toBeLessThan(2_000);

    const same = new Door({
      admission: 10,
      line: {
        offer: () => Promise.resolve(),
        lengthMs: () => Promise.resolve(60_000),
        take: () => Promise.resolve({ firstInMs: 60_000, everyMs: 1 }),
      },
    });
    const stop = new AbortController();
    const running = same.keeper.run(stop.signal);
    await eventually(() => expect(same.keeper.lineMs()).toBeGreaterThan(0));
    const newcomers = await same.enter(3);
    expect(newcomers.map(({ outcome }) => outcome).sort()).toEqual(['in', 'in', 'later']);
    expect(await same.keeper.enter(device, turn.ticket)).toEqual({ outcome: 'in', waited: true });
    stop.abort();
    await running;
  });

  test('tells a device that comes too early to come at its time, with the ticket that it has', async () => {
    const door = new Door({
      admission: 1,
      line: { offer: () => Promise.resolve(), lengthMs: () => Promise.resolve(0), take: () => Promise.resolve({ firstInMs: 30_000, everyMs: 1 }) },
    });
    const device = newDevice();
    await door.enter(1);
    const turn = later(await door.keeper.enter(device, undefined));
    const again = later(await door.keeper.enter(device, turn.ticket));
    expect(again.ticket).toBe(turn.ticket);
    expect(again.afterMs).toBeGreaterThan(29_000);
    expect(again.afterMs).toBeLessThanOrEqual(30_000);
  });

  test('has one turn for a device, however often it comes without its ticket, and keeps it for the device', async () => {
    let turns = 0;
    const line: WaitingLine = {
      offer: () => Promise.resolve(),
      lengthMs: () => Promise.resolve(0),
      take: (count) => {
        turns += count;
        return Promise.resolve({ firstInMs: 30_000, everyMs: 1 });
      },
    };
    const door = new Door({ admission: 1, line });
    const [device, next] = [newDevice(), newDevice()];
    await door.enter(1);
    const turn = later(await door.keeper.enter(device, undefined));
    const again = later(await door.keeper.enter(device, 'void'));
    later(await door.keeper.enter(next, undefined));
    expect([again.ticket, turns]).toEqual([turn.ticket, 2]);
  });

  test('asks whoever came for its turn and found no room to come again soon, not to wait once more', async () => {
    const door = new Door({
      admission: 1,
      line: { offer: () => Promise.resolve(), lengthMs: () => Promise.resolve(0), take: () => Promise.resolve({ firstInMs: 600_000, everyMs: 1 }) },
    });
    const device = newDevice();
    await door.enter(1);
    const late = later(await door.keeper.enter(device, createTickets(key).issue(device, Date.now() - 10_000)));
    expect(late.afterMs).toBeLessThanOrEqual(2_000);
    expect(createTickets(key).look(late.ticket ?? '', device, Date.now()).state).toBe('due');
    expect(door.turnedAway).toEqual([true]);
  });

  test.each([
    { when: 'while others wait for theirs', others: 1_000, everyMs: 400 },
    { when: 'when nobody else waits', others: 0, everyMs: 100 },
  ])('lets those who found no room at their turn come again one after the other, $when', async ({ others, everyMs }) => {
    const door = new Door({ admission: 1 });
    await door.enter(1 + others);
    const tickets = createTickets(key);
    const waits: number[] = [];
    for (const device of Array.from({ length: 10 }, () => newDevice())) {
      waits.push(later(await door.keeper.enter(device, tickets.issue(device, Date.now()))).afterMs);
    }
    // All or a quarter of the 10 that the gateway lets in a second.
    expect(waits[0]).toBeLessThanOrEqual(1_001);
    expect(waits.at(-1)).toBeLessThanOrEqual(1_001 + 9 * everyMs);
    expect(waits.at(-1)).toBeGreaterThan(1_000 + 9 * everyMs - 200);
  });

  test('sends devices away at random while the line cannot be asked', async () => {
    const away = () => Promise.reject(new DomainError('unavailable', 'away'));
    const door = new Door({ admission: 1, line: { offer: away, lengthMs: away, take: away } });
    const [, ...others] = await door.enter(20);
    const waits = others.map((entry) => later(entry));
    expect(waits.every(({ afterMs, ticket }) => afterMs <= 10_000 && ticket === undefined)).toBe(true);
    expect(new Set(waits.map(({ afterMs }) => afterMs)).size).toBeGreaterThan(10);
    expect(door.lineFailures).toBeGreaterThan(0);
  });
});
