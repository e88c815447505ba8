import { afterEach, describe, expect, test } from '@jest/globals';

import type { Heads } from '../../ports/heads.js';
import type { ChannelHead } from '../../protocol/server-frames.js';
import { eventually } from '../support/eventually.js';
import { newChannelId } from '../support/ids.js';

/** The promises of ports/heads.ts, for any adapter; `open` gives what a further process would have. */
export function headsContract(name: string, begin: () => Promise<{ readonly open: () => Promise<Heads> }>): void {
  describe(`heads: ${name}`, () => {
    const ends: (() => void)[] = [];
    afterEach(() => {
      for (const end of ends.splice(0)) end();
    });

    const listen = async (heads: Heads, conversationId: ChannelHead['conversationId']) => {
      const heard: ChannelHead[] = [];
      ends.push(await heads.listen(conversationId, (head) => heard.push(head)));
      return heard;
    };

    test('of channels that somebody listens to are heard from the moment that listening resolved, and no others', async () => {
      const { open } = await begin();
      const [pipeline, gateway] = [await open(), await open()];
      const [one, two, other] = [newChannelId(), newChannelId(), newChannelId()];
      const [ofOne, ofTwo] = [await listen(gateway, one), await listen(gateway, two)];
      await pipeline.tell([
        { conversationId: one, position: 5 },
        { conversationId: other, position: 6 },
        { conversationId: two, position: 7 },
      ]);
      await eventually(() => {
        expect(ofOne).toEqual([{ conversationId: one, position: 5 }]);
        expect(ofTwo).toEqual([{ conversationId: two, position: 7 }]);
      });
    });

    test('are not heard any more once that was ended, and are again after a new beginning', async () => {
      const { open } = await begin();
      const [pipeline, gateway] = [await open(), await open()];
      const [one, two] = [newChannelId(), newChannelId()];
      const before = await listen(gateway, one);
      for (const end of ends.splice(0)) end();
      const still = await listen(gateway, two);
      await pipeline.tell([
        { conversationId: one, position: 1 },
        { conversationId: two, position: 2 },
      ]);
      await eventually(() => expect(still).toHaveLength(1));
      const after = await listen(gateway, one);
      await pipeline.tell([{ conversationId: one, position: 3 }]);
      await eventually(() => expect(after).toEqual([{ conversationId: one, position: 3 }]));
      expect(before).toEqual([]);
    });
  });
}
