import { describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';

import { positionOf } from '../../core/position.js';
import { WatermarkRaiser } from '../../pipeline/receipt-handler/watermark-raiser.js';
import type { Watermark } from '../../ports/watermarks.js';
import type { ReceiptRecord } from '../../protocol/log-records.js';
import { createLogger } from '../../telemetry/logger.js';
import { createPipelineEvents } from '../../telemetry/pipeline-events.js';
import { eventually } from '../support/eventually.js';
import { deviceNumber, newAccountId, newConversationId } from '../support/ids.js';

const conversationId = newConversationId();
const one = newAccountId();
const other = newAccountId();
const receipt = (offset: number, accountId = one): ReceiptRecord => ({
  conversationId,
  accountId,
  deviceId: deviceNumber(1),
  delivered: positionOf(1, offset),
  notify: [],
});

/** Each write waits until it is let go. */
function stage(maxWaiting = 100) {
  const raised: (readonly Watermark[])[] = [];
  const committed: number[] = [];
  const writes: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const raiser = new WatermarkRaiser(
    {
      partition: 0,
      commit: (offset) => {
        committed.push(offset);
        return Promise.resolve();
      },
    },
    {
      watermarks: {
        raise: (marks) => {
          raised.push(marks);
          return new Promise<void>((resolve, reject) => writes.push({ resolve, reject }));
        },
        of: () => Promise.resolve([]),
      },
      clock: { nowMs: () => 0, sleep: () => new Promise((resolve) => setTimeout(resolve, 2)) },
      events: createPipelineEvents(createLogger('silent'), new Registry()),
      maxWaiting,
    },
  );
  /** Adds, and waits until the store is asked to write it. */
  const write = async (...added: Parameters<WatermarkRaiser['add']>) => {
    const before = raised.length;
    await raiser.add(...added);
    await eventually(() => expect(raised.length).toBe(before + 1));
  };
  return { raiser, raised, committed, write, next: () => writes.shift() };
}

describe('raising watermarks', () => {
  test('keeps nobody waiting, and commits what was written only after it was written', async () => {
    const { raiser, raised, committed, next } = stage();
    await raiser.add([receipt(1)], 2);
    await eventually(() => expect(raised).toEqual([[receipt(1)]]));
    expect(committed).toEqual([]);
    next()?.resolve();
    await eventually(() => expect(committed).toEqual([2]));
  });

  test('makes one write of what comes while one is under way', async () => {
    const { raiser, raised, committed, write, next } = stage();
    await write([receipt(1)], 2);
    await raiser.add([receipt(2)], 3);
    await raiser.add([receipt(3), receipt(4, other)], 5);
    next()?.resolve();
    await eventually(() => expect(raised).toEqual([[receipt(1)], [receipt(3), receipt(4, other)]]));
    expect(committed).toEqual([2]);
    next()?.resolve();
    await eventually(() => expect(committed).toEqual([2, 5]));
  });

  test('tries again what the store did not take, with what came meanwhile', async () => {
    const { raiser, raised, committed, write, next } = stage();
    await write([receipt(1)], 2);
    await raiser.add([receipt(2, other)], 3);
    next()?.reject(new Error('away'));
    await eventually(() => expect(raised).toEqual([[receipt(1)], [receipt(1), receipt(2, other)]]));
    expect(committed).toEqual([]);
    next()?.resolve();
    await eventually(() => expect(committed).toEqual([3]));
  });

  test('makes whoever adds wait while too much waits', async () => {
    const { raiser, raised, committed, write, next } = stage(1);
    await write([receipt(1)], 2);
    let added = false;
    const adding = raiser.add([receipt(2), receipt(3, other)], 4).then(() => (added = true));
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(added).toBe(false);
    next()?.resolve();
    await eventually(() => expect([raised.length, committed]).toEqual([2, [2]]));
    next()?.resolve();
    await adding;
    expect(committed).toEqual([2, 4]);
  });

  test('ends with the write that is under way, and leaves the rest to be redelivered', async () => {
    const { raiser, raised, committed, write, next } = stage();
    await write([receipt(1)], 2);
    await raiser.add([receipt(2)], 3);
    const closing = raiser.close();
    next()?.resolve();
    await closing;
    expect([raised.length, committed]).toEqual([1, [2]]);
  });

  test('ends while the store is away', async () => {
    const { raiser, committed, write, next } = stage();
    await write([receipt(1)], 2);
    const closing = raiser.close();
    next()?.reject(new Error('away'));
    await closing;
    expect(committed).toEqual([]);
  });
});
