import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { LmdbTable } from '../../adapters/lmdb/lmdb-table.js';
import { sweep } from '../../adapters/lmdb/sweep.js';
import { openLmdbStore, type LmdbUnderTest } from '../support/lmdb.js';

describe('sweep', () => {
  let under: LmdbUnderTest;
  let rows: LmdbTable<Buffer>;

  beforeEach(() => {
    under = openLmdbStore();
    rows = under.store.database('swept');
  });
  afterEach(() => under.dispose());

  const keyOf = (number: number) => Buffer.from(`row ${String(number).padStart(4, '0')}`);
  const numbers = () => [...rows.range({})].map(({ value }) => value.readUInt32BE(0));
  const put = async (number: number) => {
    const value = Buffer.alloc(4);
    value.writeUInt32BE(number);
    await rows.put(keyOf(number), value);
  };

  test('goes through a table a little at a time, and around', async () => {
    const all = Array.from({ length: 250 }, (_, number) => number);
    await Promise.all(all.map(put));
    const sweepOdd = sweep(rows, (value, nowMs) => value.readUInt32BE(0) % 2 === nowMs);

    await sweepOdd(1);
    expect(numbers()).toEqual(all.filter((number) => number % 2 === 0 || number >= 100));
    await sweepOdd(1);
    await sweepOdd(1);
    expect(numbers()).toEqual(all.filter((number) => number % 2 === 0));

    await put(1);
    await sweepOdd(1);
    expect(numbers()).not.toContain(1);
  });

  test('has nothing to do in an empty table', async () => {
    await sweep(rows, () => true)(0);
    expect(numbers()).toEqual([]);
  });
});
