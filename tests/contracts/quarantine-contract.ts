import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { positionOf } from '../../core/position.js';
import { maxQuarantinedItems } from '../../core/suspicion.js';
import type { Inbox, InboxRow } from '../../ports/inbox.js';
import type { Quarantine } from '../../ports/quarantine.js';
import type { DeviceAddress } from '../../protocol/ids.js';
import { deviceNumber, newAccountId, newConversationId, newMessageId } from '../support/ids.js';

export interface QuarantineUnderTest {
  readonly inbox: Inbox & { readonly quarantine: Quarantine };
  dispose(): Promise<void>;
}

const everything = 100_000;

/** The promises of ports/quarantine.ts, for any adapter. */
export function quarantineContract(name: string, open: () => Promise<QuarantineUnderTest>): void {
  describe(`quarantine: ${name}`, () => {
    let under: QuarantineUnderTest;
    let device: DeviceAddress;
    let rows: readonly InboxRow[];

    beforeEach(async () => {
      under = await open();
      device = { accountId: newAccountId(), deviceId: deviceNumber(1) };
      const conversationId = newConversationId();
      rows = Array.from({ length: 14 }, (_, offset) => ({
        ...{ conversationId, position: positionOf(1, offset), messageId: newMessageId(), kind: 'message' },
        ...{ sender: { accountId: newAccountId(), deviceId: deviceNumber(2) }, acceptedAtMs: 1, queuedAtMs: Date.now() },
      }));
      await under.inbox.put(rows.map((row) => ({ device, row })));
    });
    afterEach(() => under.dispose());

    const at = (index: number) => rows[index] as InboxRow;
    const placeOf = ({ conversationId, position }: InboxRow) => ({ conversationId, position });
    const hold = (items: readonly InboxRow[], connection: number, alone = true) =>
      under.inbox.quarantine.suspect(device, items, { connection, alone, nowMs: 1_000 + connection });
    const quarantine = async (row: InboxRow) => [await hold([row], 1), await hold([row], 2)];
    const read = (maxRows = 100) => under.inbox.read(device, { maxRows, maxBytes: 1_000_000 });
    const positions = async () => (await read()).rows.map(({ position }) => position);
    const listed = async () => (await under.inbox.quarantine.list(everything)).filter((item) => item.device.accountId === device.accountId);

    test('holds it against items, which stay readable, until one was alone twice', async () => {
      expect(await hold([at(1), at(2)], 1, false)).toBe(false);
      expect(await hold([at(2)], 2)).toBe(false);
      expect((await read()).rows).toHaveLength(rows.length);
      expect((await read()).suspects).toEqual([
        { ...placeOf(at(1)), messageId: at(1).messageId, state: 'suspected' },
        { ...placeOf(at(2)), messageId: at(2).messageId, state: 'suspected' },
      ]);
      expect(await listed()).toEqual([]);
      expect(await hold([at(2)], 3)).toBe(true);
      expect((await read()).suspects.map(({ state }) => state)).toEqual(['suspected', 'quarantined']);
      expect(await listed()).toEqual([{ device, ...placeOf(at(2)), messageId: at(2).messageId, sinceMs: 1_003 }]);
    });

    test('passes over what is in quarantine, in pages of any size, and gives it back once it is released', async () => {
      expect(await quarantine(at(0))).toEqual([false, true]);
      await quarantine(at(3));
      const shown = rows.filter((_, index) => index !== 0 && index !== 3).map(({ position }) => position);
      expect(await positions()).toEqual(shown);
      const page = await read(2);
      expect([page.rows.map(({ position }) => position), page.more]).toEqual([shown.slice(0, 2), true]);
      await under.inbox.quarantine.release(device, at(0), 1_010);
      await under.inbox.quarantine.release(device, at(0), 1_011);
      expect(await positions()).toEqual([at(0).position, ...shown]);
      expect(await hold([at(0)], 3)).toBe(false);
    });

    test('knows what was released until the device has it, and takes it again at which it hangs again', async () => {
      const states = async () => (await read()).suspects.map(({ state }) => state);
      await quarantine(at(0));
      await under.inbox.quarantine.release(device, at(0), 1_010);
      expect([await states(), await listed()]).toEqual([['released'], []]);
      expect([await hold([at(0)], 3), await states()]).toEqual([false, ['released']]);
      expect([await hold([at(0)], 4), await states()]).toEqual([true, ['quarantined']]);
      await under.inbox.quarantine.release(device, at(0), 1_010);
      await under.inbox.quarantine.forget(device, at(0));
      expect([await states(), await positions()]).toEqual([[], rows.map(({ position }) => position)]);
      await under.inbox.quarantine.release(device, at(1), 1_010);
      expect(await states()).toEqual([]);
    });

    test('tells since when, for each device that is asked for', async () => {
      await quarantine(at(1));
      const other = { ...device, deviceId: deviceNumber(2) };
      expect(await under.inbox.quarantine.sinceMs([other, device], at(1))).toEqual([undefined, 1_002]);
      expect(await under.inbox.quarantine.sinceMs([device], at(2))).toEqual([undefined]);
    });

    test('takes no more of a device than its bound', async () => {
      const outcomes: boolean[] = [];
      for (const row of rows) outcomes.push((await quarantine(row))[1] === true);
      expect(outcomes).toEqual(rows.map((_, index) => index < maxQuarantinedItems));
      expect(await positions()).toEqual(rows.slice(maxQuarantinedItems).map(({ position }) => position));
      // What was released has its place until the device has it.
      await under.inbox.quarantine.release(device, at(0), 1_010);
      expect(await quarantine(at(maxQuarantinedItems))).toEqual([false, false]);
      expect(await quarantine(at(0))).toEqual([false, true]);
      await under.inbox.quarantine.forget(device, at(0));
      expect(await hold([at(maxQuarantinedItems)], 3)).toBe(true);
    });

    test('forgets it with the inbox', async () => {
      await quarantine(at(1));
      await under.inbox.clear(device);
      expect([await listed(), (await read()).suspects]).toEqual([[], []]);
    });
  });
}
