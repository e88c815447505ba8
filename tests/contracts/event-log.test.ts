import { expect, test } from '@jest/globals';

import { createLmdbEventLog } from '../../adapters/lmdb/lmdb-event-log.js';
import { openLmdbLog, openLmdbStore, testLogOptions } from '../support/lmdb.js';
import { eventLogContract } from './event-log-contract.js';

eventLogContract('lmdb', () => openLmdbLog());

test('the lmdb log refuses another number of partitions than its data have', async () => {
  const { store, dispose } = openLmdbStore();
  await (await createLmdbEventLog({ records: store, offsets: store }, testLogOptions)).close();
  await expect(createLmdbEventLog({ records: store, offsets: store }, { ...testLogOptions, partitions: 4 })).rejects.toThrow(
    'topic messages has 3 partitions, 4 were asked for',
  );
  await dispose();
});

test('the lmdb log refuses an append above what may wait for the disk, and takes the next one', async () => {
  const { store, dispose } = openLmdbStore();
  const log = await createLmdbEventLog({ records: store, offsets: store }, { ...testLogOptions, maxWaitingBytes: 1_000 });
  const record = { key: 'k', value: Buffer.alloc(600) };
  const [first, second] = await Promise.allSettled([log.append('messages', [record]), log.append('messages', [record])]);
  expect([first.status, second]).toMatchObject(['fulfilled', { status: 'rejected', reason: { code: 'unavailable' } }]);
  await expect(log.append('messages', [record])).resolves.toHaveLength(1);
  await log.close();
  await dispose();
});
