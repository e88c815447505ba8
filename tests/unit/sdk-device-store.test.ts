import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { DeviceStore } from '../../sdk/store/device-store.js';
import { table } from '../../sdk/store/table.js';

interface Note {
  readonly text: string;
  readonly bytes?: Uint8Array;
}
const notes = table<Note>('note');

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'heliograph-store-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const storageKey = Buffer.alloc(32, 7);

async function withStore<T>(use: (store: DeviceStore) => Promise<T> | T): Promise<T> {
  const store = await DeviceStore.open(directory, { storageKey });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

describe('device store', () => {
  test('keeps what was committed, and nothing of a unit that was not', async () => {
    await withStore(async (store) => {
      const kept = store.begin();
      kept.put(notes, ['a', 1], { text: 'kept', bytes: Buffer.from([1, 2, 3]) });
      await kept.commit();
      store.begin().put(notes, ['a', 2], { text: 'lost' });
    });
    await withStore((store) => {
      expect(store.get(notes, 'a', 1)?.text).toBe('kept');
      expect([...(store.get(notes, 'a', 1)?.bytes ?? [])]).toEqual([1, 2, 3]);
      expect(store.get(notes, 'a', 2)).toBeUndefined();
    });
  });

  test('a unit reads its own changes; a part that fails leaves no trace in it', async () => {
    await withStore(async (store) => {
      const unit = store.begin();
      unit.put(notes, ['a'], { text: 'one' });
      const failed = unit.part();
      failed.put(notes, ['a'], { text: 'two' });
      failed.remove(notes, 'b');
      expect(failed.get(notes, 'a')?.text).toBe('two');
      expect(unit.get(notes, 'a')?.text).toBe('one');
      const good = unit.part();
      good.put(notes, ['b'], { text: 'three' });
      await good.commit();
      await unit.commit();
      expect(store.get(notes, 'a')?.text).toBe('one');
      expect(store.get(notes, 'b')?.text).toBe('three');
    });
  });

  test('what a commit resolved is seen by every read after it', async () => {
    await withStore(async (store) => {
      for (let turn = 0; turn < 200; turn += 1) {
        const unit = store.begin();
        unit.put(notes, ['counter'], { text: String(turn) });
        await unit.commit();
        expect(store.get(notes, 'counter')?.text).toBe(String(turn));
        expect(store.range(notes, []).length).toBe(1);
      }
    });
  });

  test('ranges follow the order of the last key part, within bounds, in both directions', async () => {
    await withStore(async (store) => {
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), { maxLength: 20 }),
          fc.option(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), { nil: undefined }),
          fc.option(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), { nil: undefined }),
          fc.boolean(),
          async (positions, after, before, newestFirst) => {
            const unit = store.begin();
            for (const { key } of store.range(notes, ['c'])) unit.remove(notes, ...key);
            for (const position of positions) unit.put(notes, ['c', position], { text: '' });
            unit.put(notes, ['b', 5], { text: '' });
            unit.put(notes, ['d', 5], { text: '' });
            await unit.commit();
            const expected = positions.filter((position) => (after === undefined || position > after) && (before === undefined || position < before));
            expected.sort((one, other) => (newestFirst ? other - one : one - other));
            expect(store.range(notes, ['c'], { after, before, newestFirst }).map(({ key }) => key[1])).toEqual(expected);
          },
        ),
        { numRuns: 60 },
      );
    });
  });

  test('holds no value in the clear', async () => {
    const secret = 'a secret that would be seen';
    await withStore(async (store) => {
      const unit = store.begin();
      unit.put(notes, ['a'], { text: secret });
      await unit.commit();
    });
    const bytes = await readFile(join(directory, 'store', 'data.mdb'));
    expect(bytes.includes(Buffer.from('note'))).toBe(true);
    expect(bytes.includes(Buffer.from(secret))).toBe(false);
  });

  test('opens with the right passphrase only', async () => {
    const store = await DeviceStore.open(directory, { passphrase: 'right' });
    await store.close();
    await expect(DeviceStore.open(directory, { passphrase: 'wrong' })).rejects.toMatchObject({ code: 'wrong_key' });
    await expect(DeviceStore.open(directory, {})).rejects.toMatchObject({ code: 'wrong_key' });
    await expect(DeviceStore.open(directory, { storageKey })).rejects.toMatchObject({ code: 'wrong_key' });
    await (await DeviceStore.open(directory, { passphrase: 'right' })).close();
  });

  test('without passphrase or key it keeps a key of its own, without which the store stays shut', async () => {
    await (await DeviceStore.open(directory, {})).close();
    await (await DeviceStore.open(directory, {})).close();
    await rm(join(directory, 'storage.key'));
    await expect(DeviceStore.open(directory, {})).rejects.toMatchObject({ code: 'wrong_key' });
  });

  test('has one holder at a time', async () => {
    await withStore(async () => {
      await expect(DeviceStore.open(directory, { storageKey })).rejects.toMatchObject({ code: 'directory_in_use' });
    });
    await withStore(() => undefined);
  });

  test('says in one line that a directory cannot be used', async () => {
    await withStore(() => undefined);
    await expect(DeviceStore.open(join(directory, 'store', 'data.mdb', 'x'), { storageKey })).rejects.toMatchObject({ code: 'directory_unusable' });
  });
});
