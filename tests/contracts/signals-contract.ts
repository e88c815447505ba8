import { afterEach, describe, expect, test } from '@jest/globals';

import type { SignalledFrame, Signals } from '../../ports/signals.js';
import { eventually } from '../support/eventually.js';
import { deviceNumber, newAccountId, newConversationId } from '../support/ids.js';

/** The promises of ports/signals.ts, for any adapter; `open` gives what a further process would have. */
export function signalsContract(name: string, begin: () => Promise<{ readonly open: () => Promise<Signals> }>): void {
  describe(`signals: ${name}`, () => {
    const ends: (() => void)[] = [];
    afterEach(() => {
      for (const end of ends.splice(0)) end();
    });

    const signal = (): SignalledFrame => ({
      sessions: [{ device: { accountId: newAccountId(), deviceId: deviceNumber(1) }, sessionEpoch: 7 }],
      frame: { type: 'typing', conversationId: newConversationId(), accountId: newAccountId(), state: 'started' },
    });
    const listen = (signals: Signals, gatewayId: string) => {
      const heard: SignalledFrame[] = [];
      ends.push(signals.receive(gatewayId, (signalled) => heard.push(signalled)));
      return heard;
    };

    test('reach the gateway that they name, whole, and no other', async () => {
      const { open } = await begin();
      const [one, other] = [await open(), await open()];
      const [atOne, atOther] = [listen(one, 'one'), listen(other, 'other')];
      const [first, second] = [signal(), signal()];
      await eventually(async () => {
        await one.send('other', first);
        expect(atOther.at(-1)).toEqual(first);
      });
      await eventually(async () => {
        await one.send('one', second);
        expect(atOne.at(-1)).toEqual(second);
      });
      expect([atOne.includes(first), atOther.includes(second)]).toEqual([false, false]);
    });

    test('reach nobody who ended it, and to whom nobody listens they harm nothing', async () => {
      const { open } = await begin();
      const signals = await open();
      const heard = listen(signals, 'one');
      await eventually(async () => {
        await signals.send('one', signal());
        expect(heard.length).toBeGreaterThan(0);
      });
      for (const end of ends.splice(0)) end();
      const again = listen(signals, 'two');
      const count = heard.length;
      await eventually(async () => {
        await signals.send('one', signal());
        await signals.send('two', signal());
        expect(again.length).toBeGreaterThan(1);
      });
      expect(heard.length).toBeLessThanOrEqual(count + 1);
    });
  });
}
