import { describe, expect, test } from '@jest/globals';

import { mergeReceipts, receiptItemFor } from '../../core/receipts.js';
import type { ReceiptRecord } from '../../protocol/log-records.js';
import { deviceNumber, newAccountId, newConversationId } from '../support/ids.js';

const [reader, sender] = [newAccountId(), newAccountId()];
const place = { conversationId: newConversationId(), accountId: reader, deviceId: deviceNumber(1) };
const delivered: ReceiptRecord = { ...place, delivered: 9, notify: [sender] };
const hidden: ReceiptRecord = { ...place, read: 7, notify: [reader], notifyRead: [reader] };
const shown: ReceiptRecord = { ...place, read: 7, notify: [sender, reader] };

describe('receipts that are merged', () => {
  test.each([
    ['before', [hidden, delivered]],
    ['behind', [delivered, hidden]],
  ])('do not tell a sender what was read and is not shown, when a delivery is told with it (%s)', (_, records) => {
    const [merged] = mergeReceipts(records);
    expect(merged).toMatchObject({ delivered: 9, read: 7 });
    expect(receiptItemFor(sender, merged as ReceiptRecord)).toEqual({ ...place, deliveredPosition: 9 });
    expect(receiptItemFor(reader, merged as ReceiptRecord)).toEqual({ ...place, deliveredPosition: 9, readPosition: 7 });
  });

  test('tell everybody concerned what was read, also of a record that says no more about it', () => {
    const [merged] = mergeReceipts([delivered, shown]);
    expect(receiptItemFor(sender, merged as ReceiptRecord)).toEqual({ ...place, deliveredPosition: 9, readPosition: 7 });
    expect(receiptItemFor(sender, shown)).toEqual({ ...place, readPosition: 7 });
  });

  test('tell what a watermark passed over, and that it arrived after all', () => {
    const [excepted, arrived] = [
      { ...place, except: [4, 6], notify: [sender] },
      { ...place, arrived: [4], notify: [sender] },
    ];
    expect(mergeReceipts([excepted, delivered, arrived]).map((record) => receiptItemFor(sender, record))).toEqual([
      { ...place, deliveredPosition: 9, except: [6], arrived: [4] },
    ]);
    expect(receiptItemFor(sender, arrived)).toEqual({ ...place, arrived: [4] });
    expect(Object.keys(mergeReceipts([delivered, shown])[0] ?? {})).not.toContain('except');
  });
});
