import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { DeliveryWorld, trafficMs, type FaultKind, type Scenario, type Send } from '../support/simulation/delivery-world.js';

const faultKinds: readonly FaultKind[] = [
  'registry-down',
  'registry-emptied',
  'registry-frozen',
  'gateway-cut-from-registry',
  'router-cut-from-registry',
  'inbox-down',
  'inbox-frozen',
  'history-down',
  'workflows-down',
  'worker-crash',
  'router-crash',
  'rebalance',
  'gateway-crash',
  'link-break',
  'device-vanishes',
  'device-closes',
  'device-connects-twice',
  'device-black-hole',
];

/** People write in bursts: several messages within a few round trips of each other. */
const burst: fc.Arbitrary<Send[]> = fc
  .record({
    atMs: fc.integer({ min: 500, max: trafficMs - 2_500 }),
    conversation: fc.integer({ min: 0, max: 1 }),
    gapsMs: fc.array(fc.integer({ min: 0, max: 250 }), { maxLength: 8 }),
    againAfterMs: fc.option(fc.integer({ min: 20, max: 1_500 }), { nil: undefined, freq: 15 }),
  })
  .map(({ atMs, conversation, gapsMs, againAfterMs }) => {
    let time = atMs;
    return [0, ...gapsMs].map((gapMs, index) => ({ atMs: (time += gapMs), conversation, againAfterMs: index === 0 ? againAfterMs : undefined }));
  });

const scenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.integer(),
  acksLate: fc.boolean(),
  sends: fc.array(burst, { minLength: 1, maxLength: 16 }).map((bursts) => bursts.flat()),
  faults: fc.array(
    fc.record({
      atMs: fc.integer({ min: 500, max: trafficMs - 6_000 }),
      kind: fc.constantFrom(...faultKinds),
      forMs: fc.integer({ min: 200, max: 12_000 }),
      which: fc.integer({ min: 0, max: 1 }),
    }),
    { maxLength: 10 },
  ),
});

const runs = Number(process.env['SIMULATIONS'] ?? 150);

describe('the delivery rules, on the real sessions, routers and drains', () => {
  test('lose nothing, keep the order of every conversation and strand nothing, whatever fails', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const world = new DeliveryWorld(given);
        await world.run();
        expect(world.violations).toEqual([]);
      }),
      { numRuns: runs, endOnFailure: false },
    );
  }, 600_000);
});
