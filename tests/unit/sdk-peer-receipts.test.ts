import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { PeerReceipts } from '../../sdk/messages/message.js';
import { commonReceipts, furthestReceipts, reaches } from '../../sdk/messages/peer-receipts.js';

const positions = Array.from({ length: 8 }, (_, position) => position);
const receipts: fc.Arbitrary<PeerReceipts> = fc.record({
  delivered: fc.option(fc.constantFrom(...positions), { nil: undefined }),
  except: fc.subarray(positions),
});
const has = (of: PeerReceipts, position: number) => reaches(of, 'delivered', position);

describe('what several devices have', () => {
  test('an account has what one of its devices has', () => {
    fc.assert(
      fc.property(receipts, receipts, (one, other) => {
        const furthest = furthestReceipts(furthestReceipts(undefined, one), other);
        expect(positions.map((position) => has(furthest, position))).toEqual(positions.map((position) => has(one, position) || has(other, position)));
      }),
    );
  });

  test('a group has what all of it have', () => {
    fc.assert(
      fc.property(fc.array(receipts, { minLength: 1, maxLength: 4 }), (others) => {
        const common = commonReceipts(others);
        expect(positions.map((position) => has(common, position))).toEqual(
          positions.map((position) => others.every((other) => has(other, position))),
        );
      }),
    );
  });

  test('of nobody there are no receipts', () => {
    expect(commonReceipts([])).toEqual({ delivered: undefined, read: undefined });
  });
});
