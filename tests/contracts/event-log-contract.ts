import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { Appended, ConsumeOptions, Consumer, EventLog, LogRecord, PartitionHandler } from '../../ports/event-log.js';
import { eventually } from '../support/eventually.js';

export interface EventLogUnderTest {
  readonly log: EventLog;
  /** Closes it and opens it again on the same data, as after a restart. */
  reopen(): Promise<EventLogUnderTest>;
  /** Removes the data too. */
  dispose(): Promise<void>;
}

const value = (text: string) => Buffer.from(text);
const texts = (records: readonly LogRecord[]) => records.map((record) => Buffer.from(record.value).toString());

/** The promises of ports/event-log.ts, for any adapter. `open` gives an empty log with 3 partitions. */
export function eventLogContract(name: string, open: () => Promise<EventLogUnderTest>): void {
  describe(`event log: ${name}`, () => {
    let under: EventLogUnderTest;
    let consumers: Consumer[] = [];

    beforeEach(async () => {
      under = await open();
    });
    afterEach(async () => {
      for (const consumer of consumers) await consumer.close();
      consumers = [];
      await under.dispose();
    });

    /** Consumes into one list a partition, committing everything unless told otherwise. */
    async function consume(options: Partial<ConsumeOptions> & { readonly commits?: boolean; readonly handle?: PartitionHandler['records'] } = {}) {
      const seen: LogRecord[] = [];
      const partitions = new Set<number>();
      const consumer = await under.log.consume({
        topic: 'messages',
        group: 'readers',
        maxBatch: 10,
        ...options,
        assigned: (assignment) => {
          partitions.add(assignment.partition);
          return {
            records: async (batch) => {
              await options.handle?.(batch);
              seen.push(...batch);
              const last = batch.at(-1);
              if (last !== undefined && options.commits !== false) await assignment.commit(last.offset + 1);
            },
            revoked: () => {
              partitions.delete(assignment.partition);
              return Promise.resolve();
            },
          };
        },
      });
      consumers.push(consumer);
      return { seen, partitions, consumer };
    }

    test('gives offsets that grow by one inside a partition, in the order of the records', async () => {
      const first = await under.log.append('messages', [
        { key: 'k', value: value('a') },
        { key: 'k', value: value('b') },
      ]);
      const second = await under.log.append('messages', [{ key: 'k', value: value('c') }]);
      const offsets = [...first, ...second].map(({ offset }) => offset);
      const [start = 0] = offsets;
      expect(offsets).toEqual([start, start + 1, start + 2]);
      expect(new Set([...first, ...second].map(({ partition }) => partition)).size).toBe(1);
      expect(first[0]?.partition).toBe(under.log.partitionOf('messages', 'k'));
    });

    test('keeps the order of concurrent appends to one key as they were called', async () => {
      await Promise.all(Array.from({ length: 200 }, (_, index) => under.log.append('messages', [{ key: 'k', value: value(`${index}`) }])));
      const { seen } = await consume();
      await eventually(() => expect(texts(seen)).toEqual(Array.from({ length: 200 }, (_, index) => `${index}`)));
    });

    test('takes many large records at once, and gives them back in order', async () => {
      const large = Array.from({ length: 20 }, (_, index) => Buffer.alloc(200 * 1024, index));
      const appended = await under.log.append(
        'messages',
        large.map((bytes) => ({ key: 'k', value: bytes })),
      );
      expect(appended.map(({ offset }) => offset - (appended[0]?.offset ?? 0))).toEqual(large.map((_, index) => index));
      const { seen } = await consume();
      await eventually(() => expect(seen.length).toBe(large.length));
      expect(seen.every((record, index) => Buffer.from(record.value).equals(large[index] ?? Buffer.alloc(0)))).toBe(true);
    });

    test('delivers every record with key, value and append time to each group once while nothing fails', async () => {
      const appended = await under.log.append(
        'messages',
        Array.from({ length: 50 }, (_, index) => ({ key: `key-${index}`, value: value(`${index}`) })),
      );
      const one = await consume({ group: 'one' });
      const two = await consume({ group: 'two' });
      for (const { seen } of [one, two]) {
        await eventually(() => expect(seen.length).toBe(50));
        expect(new Set(texts(seen)).size).toBe(50);
        for (const record of seen) {
          const index = Number(Buffer.from(record.value).toString());
          expect(record).toMatchObject({ key: `key-${index}`, ...appended[index] });
        }
      }
    });

    test('delivers what is appended while a consumer waits', async () => {
      const { seen } = await consume();
      await under.log.append('messages', [{ key: 'k', value: value('late') }]);
      await eventually(() => expect(texts(seen)).toEqual(['late']));
    });

    test('keeps topics apart', async () => {
      const { seen } = await consume({ topic: 'receipts' });
      await under.log.append('messages', [{ key: 'k', value: value('message') }]);
      await under.log.append('receipts', [{ key: 'k', value: value('receipt') }]);
      await under.log.append('push', [{ key: 'k', value: value('wake-up') }]);
      await eventually(() => expect(texts(seen)).toEqual(['receipt']));
    });

    test('gives no further batch of a partition before the one under way is done', async () => {
      let underWay = 0;
      let most = 0;
      const { seen } = await consume({
        maxBatch: 2,
        handle: async () => {
          underWay += 1;
          most = Math.max(most, underWay);
          await new Promise((resolve) => setTimeout(resolve, 2));
          underWay -= 1;
        },
      });
      await under.log.append(
        'messages',
        Array.from({ length: 20 }, (_, index) => ({ key: 'k', value: value(`${index}`) })),
      );
      await eventually(() => expect(seen.length).toBe(20));
      expect(most).toBe(1);
    });

    test('redelivers from the committed offset when a handler fails', async () => {
      let failures = 0;
      await under.log.append('messages', [
        { key: 'k', value: value('a') },
        { key: 'k', value: value('b') },
      ]);
      const { seen } = await consume({
        maxBatch: 1,
        handle: async (batch) => {
          if (texts(batch)[0] === 'b' && failures++ < 2) throw new Error('not now');
          await Promise.resolve();
        },
      });
      await eventually(() => expect(texts(seen)).toEqual(['a', 'b']));
      expect(failures).toBe(3);
    });

    test('moves the partitions of a consumer that leaves to the one that stays', async () => {
      const one = await consume();
      const two = await consume();
      await eventually(() => {
        expect([...one.partitions, ...two.partitions].sort()).toEqual([0, 1, 2]);
        expect(two.partitions.size).toBeGreaterThan(0);
      });
      await two.consumer.close();
      await eventually(() => expect([...one.partitions].sort()).toEqual([0, 1, 2]));
      await under.log.append(
        'messages',
        Array.from({ length: 30 }, (_, index) => ({ key: `${index}`, value: value(`${index}`) })),
      );
      await eventually(() => expect(one.seen.length).toBe(30));
    });

    test('goes on after a restart from what each group committed, with the records and offsets it had', async () => {
      const before = await under.log.append('messages', [
        { key: 'k', value: value('a') },
        { key: 'k', value: value('b') },
      ]);
      const committed = await consume({ group: 'committing' });
      const lazy = await consume({ group: 'lazy', commits: false });
      await eventually(() => expect([committed.seen.length, lazy.seen.length]).toEqual([2, 2]));
      for (const consumer of consumers) await consumer.close();
      consumers = [];
      under = await under.reopen();
      const after = await under.log.append('messages', [{ key: 'k', value: value('c') }]);
      expect(after[0]?.offset).toBe((before[1]?.offset ?? 0) + 1);
      const committedAgain = await consume({ group: 'committing' });
      const lazyAgain = await consume({ group: 'lazy' });
      await eventually(() => expect(texts(committedAgain.seen)).toEqual(['c']));
      await eventually(() => expect(texts(lazyAgain.seen)).toEqual(['a', 'b', 'c']));
    });

    test('reads a single record of the past, whoever consumed it, and nothing where there is none', async () => {
      const appended = await under.log.append(
        'messages',
        ['a', 'b', 'c'].map((text) => ({ key: 'k', value: value(text) })),
      );
      await consume();
      const [, second, third] = appended as [Appended, Appended, Appended];
      const read = (offset: number) => under.log.read('messages', second.partition, offset);
      const record = await read(second.offset);
      expect(record).toMatchObject({ key: 'k', ...second });
      expect(Buffer.from(record?.value ?? []).toString()).toBe('b');
      expect([await read(third.offset + 1), await read(third.offset + 100)]).toEqual([undefined, undefined]);
      under = await under.reopen();
      expect(await read(second.offset)).toMatchObject({ key: 'k', ...second });
    });

    test('tells the end and the committed offset of each partition', async () => {
      const appended = await under.log.append('messages', [{ key: 'k', value: value('a') }]);
      const { partition = 0, offset = 0 } = appended[0] ?? {};
      const progress = async () => (await under.log.progress('messages', 'readers')).find((of) => of.partition === partition);
      expect(await progress()).toEqual({ partition, end: offset + 1, committed: 0 });
      const { seen } = await consume();
      await eventually(async () => expect(await progress()).toEqual({ partition, end: offset + 1, committed: offset + 1 }));
      expect(seen.length).toBe(1);
    });
  });
}
