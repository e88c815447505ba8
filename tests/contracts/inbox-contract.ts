import { setImmediate } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { positionOf } from '../../core/position.js';
import type { Inbox, InboxRow } from '../../ports/inbox.js';
import type { ConversationId, DeviceAddress } from '../../protocol/ids.js';
import { eventually } from '../support/eventually.js';
import { deviceNumber, newAccountId, newConversationId, newMessageId } from '../support/ids.js';

export interface InboxUnderTest {
  readonly inbox: Inbox;
  /** What the store does by and by, if it does not delete by itself. */
  sweep?(): Promise<void>;
  dispose(): Promise<void>;
}

const dayMs = 24 * 3_600_000;
const everything = { maxRows: 1_000, maxBytes: 10_000_000 };

/** The promises of ports/inbox.ts, for any adapter. */
export function inboxContract(name: string, open: (maxAgeMs: number) => Promise<InboxUnderTest>): void {
  describe(`inbox: ${name}`, () => {
    let under: InboxUnderTest;
    let device: DeviceAddress;
    const [low, high] = [newConversationId(), newConversationId()].sort() as [ConversationId, ConversationId];

    beforeEach(async () => {
      under = await open(dayMs);
      device = { accountId: newAccountId(), deviceId: deviceNumber(1) };
    });
    afterEach(() => under.dispose());

    const row = (conversationId: ConversationId, offset: number, contentBytes = 10): InboxRow => ({
      conversationId,
      position: positionOf(1, offset),
      messageId: newMessageId(),
      kind: 'message',
      sender: { accountId: newAccountId(), deviceId: deviceNumber(2) },
      acceptedAtMs: 1_700_000_000_000,
      queuedAtMs: 1_700_000_000_001,
      envelope: { type: 3, content: Buffer.alloc(contentBytes, offset) },
    });
    const put = (...rows: InboxRow[]) => under.inbox.put(rows.map((of) => ({ device, row: of })));
    const read = async () => (await under.inbox.read(device, everything)).rows;
    const places = (rows: readonly InboxRow[]) => rows.map(({ conversationId, position }) => [conversationId, position]);

    test('gives rows back whole, ordered by conversation and position', async () => {
      const rows = [row(high, 1), row(low, 300), row(low, 2)];
      await put(...rows);
      const [first, second, third] = await read();
      expect(first).toMatchObject({ ...rows[2], envelope: { type: 3 } });
      expect(Buffer.from(first?.envelope?.content ?? [])).toEqual(Buffer.alloc(10, 2));
      expect(places([second, third] as InboxRow[])).toEqual(places([rows[1], rows[0]] as InboxRow[]));
    });

    test('keeps a row without envelope, and other kinds', async () => {
      await put({ ...row(low, 1), envelope: undefined, kind: 'event' });
      const [kept] = await read();
      expect([kept?.kind, kept?.envelope]).toEqual(['event', undefined]);
    });

    test('shows rows that are being put in their order: never one without those before it', async () => {
      const rows = Array.from({ length: 200 }, (_, offset) => row(low, offset, 2_000));
      let putting = true;
      const done = put(...rows).finally(() => (putting = false));
      const seen: number[] = [];
      while (putting) {
        const found = await read();
        expect(places(found)).toEqual(places(rows.slice(0, found.length)));
        seen.push(found.length);
        // A store in this process answers without giving way to the one that writes.
        await setImmediate();
      }
      await done;
      expect(await read()).toHaveLength(rows.length);
      expect(seen.length).toBeGreaterThan(0);
    });

    test('changes nothing when a row is put again', async () => {
      await put(row(low, 1));
      await put(row(low, 1));
      expect(await read()).toHaveLength(1);
    });

    test('keeps the devices of an account apart', async () => {
      await put(row(low, 1));
      const sibling = { ...device, deviceId: deviceNumber(2) };
      expect((await under.inbox.read(sibling, everything)).rows).toEqual([]);
    });

    test('reads pages bounded by rows, and says whether there is more', async () => {
      await put(row(low, 1), row(low, 2), row(low, 3));
      const page = await under.inbox.read(device, { ...everything, maxRows: 2 });
      expect([page.rows.length, page.more]).toEqual([2, true]);
      expect((await under.inbox.read(device, { ...everything, maxRows: 3 })).more).toBe(false);
    });

    test('reads pages bounded by bytes, but at least one row', async () => {
      await put(row(low, 1, 1_000), row(low, 2, 1_000));
      const page = await under.inbox.read(device, { maxRows: 10, maxBytes: 500 });
      expect([page.rows.length, page.more]).toEqual([1, true]);
    });

    test('passes over conversations up to the one that is named', async () => {
      await put(row(low, 1), row(low, 2), row(high, 1));
      const page = await under.inbox.read(device, { ...everything, afterConversation: low });
      expect(places(page.rows)).toEqual([[high, positionOf(1, 1)]]);
    });

    test('tells since when one item waits, of each device that is asked for', async () => {
      await put(row(low, 1), row(low, 2));
      const others = [1, 2].map((number) => ({ accountId: newAccountId(), deviceId: deviceNumber(number) }));
      const [, other] = others as [DeviceAddress, DeviceAddress];
      await under.inbox.put([{ device: other, row: { ...row(low, 2), queuedAtMs: 1_700_000_000_777 } }]);
      const since = (offset: number) => under.inbox.queuedAtMs([...others, device], { conversationId: low, position: positionOf(1, offset) });
      expect(await since(2)).toEqual([undefined, 1_700_000_000_777, 1_700_000_000_001]);
      expect(await since(3)).toEqual([undefined, undefined, undefined]);
    });

    test('removes ranges with both their ends, and nothing else', async () => {
      await put(row(low, 1), row(low, 2), row(low, 3), row(low, 4), row(high, 2));
      await under.inbox.remove(device, [{ conversationId: low, first: positionOf(1, 2), last: positionOf(1, 3) }]);
      expect(places(await read())).toEqual([
        [low, positionOf(1, 1)],
        [low, positionOf(1, 4)],
        [high, positionOf(1, 2)],
      ]);
    });

    test('clears one device only', async () => {
      const sibling = { ...device, deviceId: deviceNumber(2) };
      await put(row(low, 1), row(high, 1));
      await under.inbox.put([{ device: sibling, row: row(low, 1) }]);
      await under.inbox.clear(device);
      expect([await read(), (await under.inbox.read(sibling, everything)).rows.length]).toEqual([[], 1]);
    });

    test('drops what waited longer than its time', async () => {
      const impatient = await open(2_000);
      try {
        await impatient.inbox.put([{ device, row: { ...row(low, 1), queuedAtMs: Date.now() } }]);
        expect((await impatient.inbox.read(device, everything)).rows).toHaveLength(1);
        await eventually(async () => {
          await impatient.sweep?.();
          expect((await impatient.inbox.read(device, everything)).rows).toEqual([]);
        });
      } finally {
        await impatient.dispose();
      }
    });
  });
}
