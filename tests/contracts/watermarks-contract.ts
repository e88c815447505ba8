import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { positionOf } from '../../core/position.js';
import type { Watermarks } from '../../ports/watermarks.js';
import { deviceNumber, newAccountId, newConversationId } from '../support/ids.js';

export interface WatermarksUnderTest {
  readonly watermarks: Watermarks;
  dispose(): Promise<void>;
}

/** The promises of ports/watermarks.ts, for any adapter. */
export function watermarksContract(name: string, open: () => Promise<WatermarksUnderTest>): void {
  describe(`watermarks: ${name}`, () => {
    let under: WatermarksUnderTest;

    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.dispose());

    test('keep delivered and read of each device of each conversation apart', async () => {
      const [one, other] = [newConversationId(), newConversationId()];
      const device = { accountId: newAccountId(), deviceId: deviceNumber(1) };
      const sibling = { ...device, deviceId: deviceNumber(2) };
      await under.watermarks.raise([
        { conversationId: one, ...device, delivered: positionOf(1, 5) },
        { conversationId: one, ...sibling, delivered: positionOf(1, 3), read: positionOf(1, 2) },
        { conversationId: other, ...device, read: positionOf(1, 9) },
      ]);
      expect(await under.watermarks.of([one])).toEqual([
        { conversationId: one, ...device, delivered: positionOf(1, 5) },
        { conversationId: one, ...sibling, delivered: positionOf(1, 3), read: positionOf(1, 2) },
      ]);
      expect(await under.watermarks.of([newConversationId(), other])).toEqual([{ conversationId: other, ...device, read: positionOf(1, 9) }]);
    });

    test('are told of one account alone, if only that is asked for', async () => {
      const [one, other] = [newConversationId(), newConversationId()];
      const [ann, bea] = [newAccountId(), newAccountId()];
      const [first, second] = [deviceNumber(1), deviceNumber(2)];
      const mark = (conversationId: typeof one, accountId: typeof ann, deviceId: typeof first) => ({
        conversationId,
        accountId,
        deviceId,
        read: positionOf(1, 4),
      });
      const [ofAnn, alsoOfAnn, elsewhere] = [mark(one, ann, first), mark(one, ann, second), mark(other, ann, first)];
      await under.watermarks.raise([ofAnn, alsoOfAnn, elsewhere, mark(one, bea, first)]);
      expect(await under.watermarks.of([one, other], ann)).toEqual([ofAnn, alsoOfAnn, elsewhere]);
      expect(await under.watermarks.of([other], bea)).toEqual([]);
    });

    test('keep what they passed over until it arrived, which is for good', async () => {
      const conversationId = newConversationId();
      const device = { accountId: newAccountId(), deviceId: deviceNumber(1) };
      const at = (offset: number) => positionOf(1, offset);
      const except = async () => (await under.watermarks.of([conversationId]))[0]?.except;
      await under.watermarks.raise([{ conversationId, ...device, except: [at(3)] }]);
      await under.watermarks.raise([{ conversationId, ...device, delivered: at(9), except: [at(5), at(3)] }]);
      expect(await under.watermarks.of([conversationId])).toEqual([{ conversationId, ...device, delivered: at(9), except: [at(3), at(5)] }]);
      await under.watermarks.raise([{ conversationId, ...device, arrived: [at(3)] }]);
      expect(await except()).toEqual([at(5)]);
      // As when the log is read again from before.
      for (const change of [{ except: [at(3)] }, { except: [at(5)] }, { arrived: [at(3)] }]) {
        await under.watermarks.raise([{ conversationId, ...device, ...change }]);
      }
      expect(await except()).toEqual([at(5)]);
      await under.watermarks.raise([{ conversationId, ...device, arrived: [at(5)] }]);
      expect(await under.watermarks.of([conversationId])).toEqual([{ conversationId, ...device, delivered: at(9) }]);
    });

    test('never go down, in whatever order and however many at once they are raised', async () => {
      const offset = fc.option(fc.integer({ min: 0, max: 1_000 }), { nil: undefined });
      await fc.assert(
        fc.asyncProperty(fc.array(fc.record({ delivered: offset, read: offset }), { minLength: 1, maxLength: 20 }), async (raises) => {
          const conversationId = newConversationId();
          const device = { accountId: newAccountId(), deviceId: deviceNumber(1) };
          const at = (value: number | undefined) => (value === undefined ? undefined : positionOf(1, value));
          await Promise.all(
            raises.map(({ delivered, read }) => under.watermarks.raise([{ conversationId, ...device, delivered: at(delivered), read: at(read) }])),
          );
          const highest = (values: readonly (number | undefined)[]) => {
            const known = values.filter((value) => value !== undefined);
            return known.length === 0 ? undefined : positionOf(1, Math.max(...known));
          };
          const [mark] = await under.watermarks.of([conversationId]);
          expect([mark?.delivered, mark?.read]).toEqual([highest(raises.map(({ delivered }) => delivered)), highest(raises.map(({ read }) => read))]);
        }),
        { numRuns: 50 },
      );
    });
  });
}
