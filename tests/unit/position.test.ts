import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { epochOf, maxEpoch, offsetOf, positionOf } from '../../core/position.js';

describe('a position', () => {
  test('is a safe integer that gives its epoch and offset back, for every epoch and offset', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: maxEpoch }), fc.integer({ min: 0, max: 2 ** 48 - 1 }), (epoch, offset) => {
        const position = positionOf(epoch, offset);
        expect(Number.isSafeInteger(position)).toBe(true);
        expect([epochOf(position), offsetOf(position)]).toEqual([epoch, offset]);
      }),
    );
  });

  test('of a later epoch is higher than every position of an earlier one', () => {
    expect(positionOf(2, 0)).toBeGreaterThan(positionOf(1, 2 ** 48 - 1));
  });

  test.each([
    [0, 0],
    [32, 0],
    [1, -1],
    [1, 2 ** 48],
    [1, 1.5],
  ])('refuses epoch %d, offset %d', (epoch, offset) => {
    expect(() => positionOf(epoch, offset)).toThrow(RangeError);
  });
});
