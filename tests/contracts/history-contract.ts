import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { positionOf } from '../../core/position.js';
import type { History, StoredMessage } from '../../ports/history.js';
import type { AccountId, BlobId, ConversationId } from '../../protocol/ids.js';
import { eventually } from '../support/eventually.js';
import { deviceNumber, newAccountId, newConversationId, newMessageId } from '../support/ids.js';

export interface HistoryUnderTest {
  readonly history: History;
  /** What the adapter's clock says. */
  readonly nowMs: number;
  /** What the store does by and by, if it does not delete by itself. */
  sweep?(): Promise<void>;
  dispose(): Promise<void>;
}

/** The promises of ports/history.ts, for any adapter. */
export function historyContract(name: string, open: () => Promise<HistoryUnderTest>): void {
  describe(`history: ${name}`, () => {
    let under: HistoryUnderTest;
    let conversationId: ConversationId;
    const viewer = newAccountId();

    beforeEach(async () => {
      under = await open();
      conversationId = newConversationId();
    });
    afterEach(() => under.dispose());

    const message = (offset: number, more: Partial<StoredMessage> = {}): StoredMessage => ({
      conversationId,
      position: positionOf(1, offset),
      messageId: newMessageId(),
      kind: 'message',
      sender: { accountId: newAccountId(), deviceId: deviceNumber(1) },
      acceptedAtMs: under.nowMs - 1_000,
      digest: Buffer.alloc(32, offset),
      body: Buffer.from(`body ${offset}`),
      ...more,
    });
    const offsets = (messages: readonly StoredMessage[]) => messages.map(({ position }) => position - positionOf(1, 0));
    const bytes = (value: Uint8Array | undefined) => Buffer.from(value ?? []).toString();

    test('gives a message back whole', async () => {
      const stored = message(1, { media: ['00000000-0000-7000-8000-000000000001' as BlobId], ttlSeconds: 3_600 });
      await under.history.append([stored], []);
      const [found] = await under.history.page({ conversationId, viewer, limit: 10 });
      const { body, digest, ...plain } = stored;
      expect(found).toMatchObject(plain);
      expect([bytes(found?.body), bytes(found?.digest)]).toEqual([bytes(body), bytes(digest)]);
    });

    test('pages newest first, with exclusive bounds', async () => {
      await under.history.append(
        [1, 2, 3, 4, 5].map((offset) => message(offset)),
        [],
      );
      expect(offsets(await under.history.page({ conversationId, viewer, limit: 2 }))).toEqual([5, 4]);
      expect(offsets(await under.history.page({ conversationId, viewer, before: positionOf(1, 4), limit: 2 }))).toEqual([3, 2]);
      expect(offsets(await under.history.page({ conversationId, viewer, before: positionOf(1, 5), after: positionOf(1, 2), limit: 10 }))).toEqual([
        4, 3,
      ]);
    });

    test('pages oldest first when only `after` is given', async () => {
      await under.history.append(
        [1, 2, 3].map((offset) => message(offset)),
        [],
      );
      expect(offsets(await under.history.page({ conversationId, viewer, after: positionOf(1, 1), limit: 10 }))).toEqual([2, 3]);
    });

    test('keeps conversations apart', async () => {
      await under.history.append([message(1)], []);
      expect(await under.history.page({ conversationId: newConversationId(), viewer, limit: 10 })).toEqual([]);
    });

    test('changes nothing when a message is appended again', async () => {
      const stored = message(1);
      await under.history.append([stored], []);
      await under.history.append([stored], []);
      expect(await under.history.page({ conversationId, viewer, limit: 10 })).toHaveLength(1);
      expect((await under.history.find([stored.messageId]))[0]?.position).toBe(stored.position);
    });

    test('finds the first position of a message id, and nothing for one it does not know', async () => {
      const stored = message(3);
      await under.history.append([stored], []);
      const [unknown, found] = await under.history.find([newMessageId(), stored.messageId]);
      expect(unknown).toBeUndefined();
      expect(found).toMatchObject({ conversationId, position: stored.position, acceptedAtMs: stored.acceptedAtMs, sender: stored.sender });
      expect(bytes(found?.digest)).toBe(bytes(stored.digest));
    });

    test('indexes keys by message id, and keeps no row of them', async () => {
      const keys = message(1, { kind: 'keys', body: undefined });
      await under.history.append([keys], []);
      expect((await under.history.find([keys.messageId]))[0]?.position).toBe(keys.position);
      expect(await under.history.page({ conversationId, viewer, limit: 10 })).toEqual([]);
    });

    test('hides aliases from pages and shows them to reads by key', async () => {
      const stored = message(1);
      const alias = { conversationId, position: positionOf(1, 2), acceptedAtMs: stored.acceptedAtMs, duplicateOf: stored.position };
      await under.history.append([stored], [alias]);
      expect(offsets(await under.history.page({ conversationId, viewer, limit: 10 }))).toEqual([1]);
      const missing = { conversationId, position: positionOf(1, 9), acceptedAtMs: stored.acceptedAtMs };
      const [first, second, third] = await under.history.read([stored, alias, missing]);
      expect([first, second, third]).toMatchObject([{ messageId: stored.messageId }, alias, {}].slice(0, 2).concat([undefined as never]));
    });

    test('reads rows of several conversations and weeks in the order in which they are asked for, one twice', async () => {
      const weekMs = 7 * 24 * 3_600_000;
      const [newest, second, weeksAgo] = [message(3), message(2), message(1, { acceptedAtMs: message(1).acceptedAtMs - 3 * weekMs })];
      const elsewhere = message(7, { conversationId: newConversationId() });
      await under.history.append([weeksAgo, second, newest, elsewhere], []);
      const asked = [newest, { ...elsewhere, conversationId }, elsewhere, weeksAgo, newest, second];
      const read = await under.history.read(asked);
      const ids = [newest.messageId, undefined, elsewhere.messageId, weeksAgo.messageId, newest.messageId, second.messageId];
      expect(read.map((row) => (row !== undefined && 'messageId' in row ? row.messageId : undefined))).toEqual(ids);
      expect(await under.history.read([])).toEqual([]);
    });

    test('shows what was withheld to its sender alone, in pages that are as full as others', async () => {
      const sender = { accountId: viewer, deviceId: deviceNumber(1) };
      const withheld = [2, 3, 4].map((offset) => message(offset, { sender, withheld: true }));
      await under.history.append([message(1), ...withheld, message(5, { sender })], []);
      const pageOf = async (of: AccountId) => offsets(await under.history.page({ conversationId, viewer: of, limit: 2 }));
      expect([await pageOf(viewer), await pageOf(newAccountId())]).toEqual([
        [5, 4],
        [5, 1],
      ]);
      expect(await under.history.read([withheld[0] as StoredMessage])).toMatchObject([{ messageId: withheld[0]?.messageId }]);
    });

    test('drops what ran out of time from pages, and its body from reads', async () => {
      const expired = message(1, { ttlSeconds: 1, acceptedAtMs: under.nowMs - 2_000 });
      const fresh = message(2, { ttlSeconds: 60 });
      await under.history.append([expired, fresh], []);
      expect(offsets(await under.history.page({ conversationId, viewer, limit: 10 }))).toEqual([2]);
      const [read] = await under.history.read([expired]);
      expect(read !== undefined && 'body' in read ? read.body : undefined).toBeUndefined();
    });

    test('deletes what ran out of time, and still knows its message id', async () => {
      const short = message(1, { ttlSeconds: 2, acceptedAtMs: Date.now() });
      const long = message(2, { ttlSeconds: 3_600, acceptedAtMs: Date.now() });
      await under.history.append([short, long], []);
      expect(offsets(await under.history.page({ conversationId, viewer, limit: 10 }))).toEqual([2, 1]);
      await eventually(async () => {
        await under.sweep?.();
        expect(await under.history.read([short, long])).toEqual([undefined, expect.objectContaining({ messageId: long.messageId })]);
      });
      expect(await under.history.find([short.messageId])).toMatchObject([{ position: short.position }]);
    });
  });
}
