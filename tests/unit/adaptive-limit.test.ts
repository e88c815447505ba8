import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { AdaptiveLimit } from '../../core/adaptive-limit.js';

const options = { least: 2, most: 16, slowMs: 100 };
const ended = fc.record({ tookMs: fc.constantFrom(0, 50, 99, 101, 5_000, Infinity), full: fc.boolean() });

/** As many endings as make the limit look at them. */
function round(limit: AdaptiveLimit, tookMs: number, full = true): number {
  const count = limit.current;
  for (let index = 0; index < count; index += 1) limit.ended(tookMs, full);
  return limit.current;
}

describe('the limit', () => {
  test('halves while work is slow or fails, and goes up by an eighth while it is quick and there is no room', () => {
    const limit = new AdaptiveLimit(options);
    expect(limit.current).toBe(16);
    expect([round(limit, 300), round(limit, Infinity), round(limit, 101), round(limit, 101)]).toEqual([8, 4, 2, 2]);
    expect([round(limit, 5), round(limit, 5, false), round(limit, 100)]).toEqual([3, 3, 4]);
    for (let index = 0; index < 20; index += 1) round(limit, 5);
    expect(limit.current).toBe(16);
  });

  test('does not fall for one that hangs', () => {
    const limit = new AdaptiveLimit(options);
    for (let index = 0; index < 15; index += 1) limit.ended(20, true);
    limit.ended(Infinity, true);
    expect(limit.current).toBe(16);
  });

  test('stays within its bounds, whatever ends', () => {
    fc.assert(
      fc.property(fc.array(ended, { maxLength: 400 }), (all) => {
        const limit = new AdaptiveLimit(options);
        for (const { tookMs, full } of all) {
          limit.ended(tookMs, full);
          expect(limit.current).toBeGreaterThanOrEqual(options.least);
          expect(limit.current).toBeLessThanOrEqual(options.most);
        }
      }),
    );
  });
});
