import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { deviceSearchKey } from '../../core/search-key.js';
import {
  addDrainCounts,
  drainBackoffMs,
  drainWaveId,
  endedDrains,
  firstDrainRound,
  maxFailedRounds,
  noDrains,
  planAfterDrainRound,
  type DrainOutcome,
  type DrainRound,
} from '../../core/drain-plan.js';
import { newDevice, newRequests } from '../support/drain-fixtures.js';

const outcomes: readonly DrainOutcome[] = ['live', 'parked', 'superseded', 'gone', 'unfinished', 'waiting', 'lost', 'failed'];
const results = fc.array(fc.record({ outcome: fc.constantFrom(...outcomes), rows: fc.nat(100) }), { maxLength: 40 });

describe('the plan of a drain wave', () => {
  test('after a round every device has ended, has one next round, or is given up', () => {
    fc.assert(
      fc.property(results, fc.nat(maxFailedRounds), (given, failures) => {
        const round: DrainRound = { requests: newRequests(given.length), waitMs: 0, failures };
        const { counts, next, giveUp } = planAfterDrainRound(round, given);
        const again = next.flatMap(({ requests }) => requests);
        expect(new Set([...again, ...giveUp]).size).toBe(again.length + giveUp.length);
        expect(endedDrains(counts) + again.length).toBe(given.length);
        expect(counts.givenUp).toBe(giveUp.length);
        expect(counts.rows).toBe(given.reduce((sum, { rows }) => sum + rows, 0));
        expect(next.every(({ requests }) => requests.length > 0)).toBe(true);
      }),
    );
  });

  test('whatever outcomes come, a wave ends: with everybody done or given up after 10 failures in a row', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom<DrainOutcome>('lost', 'failed', 'live', 'parked')), fc.integer({ min: 1, max: 10 }), (script, devices) => {
        const rounds = [firstDrainRound(newRequests(devices))];
        let counts = noDrains;
        let waitedMs = 0;
        let call = 0;
        for (let round = rounds.shift(); round !== undefined; round = rounds.shift()) {
          waitedMs += round.waitMs;
          const plan = planAfterDrainRound(
            round,
            round.requests.map(() => ({ outcome: script[call++] ?? 'failed', rows: 0 })),
          );
          counts = addDrainCounts(counts, plan.counts);
          rounds.push(...plan.next);
        }
        expect(endedDrains(counts)).toBe(devices);
        expect(waitedMs).toBeLessThanOrEqual(243_000);
      }),
    );
  });

  test('a device that got on is not held to its earlier failures', () => {
    const round: DrainRound = { requests: newRequests(1), waitMs: 60_000, failures: 9 };
    expect(planAfterDrainRound(round, [{ outcome: 'unfinished', rows: 10 }]).next).toEqual([{ ...round, waitMs: 0, failures: 0 }]);
  });

  test('devices without a result count as failed', () => {
    const round = firstDrainRound(newRequests(2));
    expect(planAfterDrainRound(round, [])).toEqual({
      counts: noDrains,
      next: [{ requests: round.requests, waitMs: 1_000, failures: 1 }],
      giveUp: [],
    });
  });

  test('the backoff doubles from 1 s to 60 s', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8, 9].map(drainBackoffMs)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000));
  });

  test('a wave is known by gateway, lease and number', () => {
    expect(drainWaveId({ gatewayId: 'gateway-1', leaseEpoch: 12, number: 3 })).toBe('drain/gateway-1/12/3');
  });
});

describe('the search key of a device', () => {
  test('is 7 characters that are the same for the same device and differ between devices', () => {
    const devices = Array.from({ length: 500 }, newDevice);
    const keys = devices.map(deviceSearchKey);
    expect(keys.every((key) => /^[0-9a-z]{7}$/.test(key))).toBe(true);
    expect(devices.map(deviceSearchKey)).toEqual(keys);
    expect(new Set(keys).size).toBe(500);
  });
});
