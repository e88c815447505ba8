import { afterEach, describe, expect, test } from '@jest/globals';

import type { Presence, PresenceChange } from '../../ports/presence.js';
import type { AccountId } from '../../protocol/ids.js';
import { eventually } from '../support/eventually.js';
import { newAccountId } from '../support/ids.js';

/** The promises of ports/presence.ts, for any adapter; `open` gives what a further process would have. */
export function presenceContract(name: string, begin: () => Promise<{ readonly open: () => Promise<Presence> }>): void {
  describe(`presence: ${name}`, () => {
    const ends: (() => void)[] = [];
    afterEach(() => {
      for (const end of ends.splice(0)) end();
    });

    const listen = (presence: Presence, accountId: AccountId) => {
      const heard: PresenceChange[] = [];
      const end = presence.listen(accountId, (change) => heard.push(change));
      ends.push(end);
      return { heard, end };
    };

    test('tells whoever listens for an account of its changes, whole, and of no other account', async () => {
      const { open } = await begin();
      const [here, there] = [await open(), await open()];
      const [one, other] = [newAccountId(), newAccountId()];
      const { heard } = listen(there, one);
      await eventually(async () => {
        await here.tell({ accountId: other, came: true });
        await here.tell({ accountId: one, came: true });
        expect(heard.at(-1)).toEqual({ accountId: one, came: true });
      });
      await here.tell({ accountId: one, came: false });
      await eventually(() => expect(heard.at(-1)).toEqual({ accountId: one, came: false }));
      expect(heard.every(({ accountId }) => accountId === one)).toBe(true);
    });

    test('tells nobody who ended it, and again whoever listens anew', async () => {
      const { open } = await begin();
      const presence = await open();
      const accountId = newAccountId();
      const before = listen(presence, accountId);
      await eventually(async () => {
        await presence.tell({ accountId, came: true });
        expect(before.heard.length).toBeGreaterThan(0);
      });
      before.end();
      const count = before.heard.length;
      const { heard } = listen(presence, accountId);
      await eventually(async () => {
        await presence.tell({ accountId, came: false });
        expect(heard.length).toBeGreaterThan(0);
      });
      expect(before.heard).toHaveLength(count);
    });
  });
}
