import { expect, test } from '@jest/globals';

import type { LogRecord } from '../../ports/event-log.js';
import { eventually } from '../support/eventually.js';
import { openLmdbLog, openLmdbStore, type LmdbLogUnderTest } from '../support/lmdb.js';
import { eventLogContract } from './event-log-contract.js';

eventLogContract('lmdb', () => openLmdbLog());

/** Long enough to crash before. */
const commitDelayMs = 1_000;
const megabyte = 1024 ** 2;

async function read({ log }: LmdbLogUnderTest, count: number): Promise<readonly string[]> {
  const records: LogRecord[] = [];
  const consumer = await log.consume({
    ...{ topic: 'messages', group: 'readers', maxBatch: 100 },
    assigned: () => ({ records: (batch) => Promise.resolve(void records.push(...batch)), revoked: () => Promise.resolve() }),
  });
  await eventually(() => expect(records.length).toBeGreaterThanOrEqual(count));
  await consumer.close();
  return records.map(({ value }) => Buffer.from(value).toString('latin1', 0, 10).trimEnd());
}

test('the lmdb log refuses another number of partitions than its data have', async () => {
  const { openLog, dispose } = openLmdbStore();
  await (await openLog()).close();
  await expect(openLog({ partitions: 4 })).rejects.toThrow('topic messages has 3 partitions, 4 were asked for');
  await dispose();
});

test('the lmdb log refuses an append above what may wait for the disk, and takes it later', async () => {
  const { openLog, dispose } = openLmdbStore();
  const log = await openLog({ maxWaitingBytes: 1_000 });
  const record = { key: 'k', value: Buffer.alloc(600) };
  const [first, second] = await Promise.allSettled([log.append('messages', [record]), log.append('messages', [record])]);
  expect([first.status, second]).toMatchObject(['fulfilled', { status: 'rejected', reason: { code: 'unavailable' } }]);
  await eventually(async () => expect(await log.append('messages', [record])).toHaveLength(1));
  await log.close();
  await dispose();
});

test('what the lmdb log took survives a crash before it came to lmdb, in several files, and a second crash right after', async () => {
  const under = await openLmdbLog({ commitDelayMs });
  const large = (index: number) => ({ key: 'k', value: Buffer.from(`${index}`.padEnd(megabyte)) });
  const expected = Array.from({ length: 10 }, (_, index) => `${index}`);
  for (const index of expected.keys()) await under.log.append('messages', [large(index)]);
  expect(await read(under, 10)).toEqual(expected);

  const first = await under.crash();
  const [after] = await first.log.append('messages', [{ key: 'k', value: Buffer.from('10') }]);
  expect(after?.offset).toBe(10);
  expect(await read(first, 11)).toEqual([...expected, '10']);

  const second = await first.crash();
  expect(await read(second, 11)).toEqual([...expected, '10']);
  await Promise.all([under, first, second].map(({ dispose }) => dispose()));
});
