import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { WriteAheadLog } from '../../adapters/lmdb/write-ahead-log.js';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.js';

const megabyte = 1024 ** 2;

describe('the write-ahead log', () => {
  let directory: TemporaryDirectory;
  const opened: WriteAheadLog[] = [];

  beforeEach(() => {
    directory = temporaryDirectory();
  });
  afterEach(async () => {
    for (const log of opened.splice(0)) await log.close();
    directory.remove();
  });

  const files = () =>
    readdirSync(directory.path)
      .filter((name) => name.endsWith('.wal'))
      .sort();
  const path = (name = '') => join(directory.path, name);
  const open = async () => {
    const restored: string[] = [];
    const log = await WriteAheadLog.open(directory.path, (payloads) => {
      restored.push(...payloads.map((payload) => payload.toString('latin1')));
      return Promise.resolve();
    });
    opened.push(log);
    return { log, restored };
  };
  const append = (log: WriteAheadLog, ...texts: readonly string[]) => log.append(texts.map((text) => Buffer.from(text, 'latin1')));

  test('gives back what was appended, in its order, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 5 }), { maxLength: 5 }), async (appends) => {
        const { log } = await open();
        for (const payloads of appends) await log.append(payloads.map((payload) => Buffer.from(payload)));
        await log.close();
        const { restored } = await open();
        expect(restored).toEqual(appends.flat().map((payload) => Buffer.from(payload).toString('latin1')));
      }),
      { numRuns: 30 },
    );
  });

  test('gives back once: then it is safe elsewhere', async () => {
    await append((await open()).log, 'a');
    expect([(await open()).restored, (await open()).restored]).toEqual([['a'], []]);
  });

  test('keeps what could not be restored', async () => {
    await append((await open()).log, 'a');
    await expect(WriteAheadLog.open(directory.path, () => Promise.reject(new Error('no room')))).rejects.toThrow('no room');
    expect((await open()).restored).toEqual(['a']);
  });

  test('goes on in another file when one is full, and the full one goes once it is not needed', async () => {
    const { log } = await open();
    const text = 'x'.repeat(megabyte);
    expect(await append(log, 'first')).toBe(true);
    for (let count = 0; count < 4; count += 1) expect(await append(log, text)).toBe(false);
    expect(await append(log, 'last')).toBe(true);
    expect(log.older).toEqual(files().slice(0, 1));
    await log.remove(log.older);
    expect([log.older, files().length]).toEqual([[], 1]);
    expect((await open()).restored).toEqual(['last']);
  });

  test('writes over files that are not needed any more, and never gives back what they held before', async () => {
    const { log } = await open();
    const inodes = new Set<number>();
    for (const text of ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => letter.repeat(5 * megabyte))) {
      await append(log, text);
      for (const name of readdirSync(directory.path)) inodes.add(statSync(path(name)).ino);
      await log.remove(log.older);
    }
    await append(log, 'last');
    await log.remove(log.older);
    expect(inodes.size).toBeLessThan(4);
    expect((await open()).restored).toEqual(['last']);
  });

  test('cut off anywhere, gives back what stands whole before', async () => {
    const texts = ['one', 'two', 'three'];
    const { log } = await open();
    for (const text of texts) await append(log, text);
    await log.close();
    const [name = ''] = files();
    const whole = readFileSync(path(name));
    const ends = texts.map((_, index) => texts.slice(0, index + 1).reduce((sum, text) => sum + 8 + text.length, 0));
    for (let length = 0; length <= whole.length; length += 1) {
      writeFileSync(path(name), whole);
      truncateSync(path(name), length);
      expect((await open()).restored).toEqual(texts.filter((_, index) => (ends[index] ?? 0) <= length));
    }
  });

  test('damaged anywhere, gives back what stands before', async () => {
    const { log } = await open();
    for (const text of ['one', 'two']) await append(log, text);
    await log.close();
    const [name = ''] = files();
    const whole = readFileSync(path(name));
    for (let at = 0; at < whole.length; at += 1) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      writeFileSync(path(name), damaged);
      expect((await open()).restored).toEqual(at < 11 ? [] : ['one']);
    }
  });

  test('takes the next append after one that failed', async () => {
    const { log } = await open();
    directory.remove();
    await expect(append(log, 'one')).rejects.toThrow('ENOENT');
    mkdirSync(directory.path);
    await append(log, 'two');
    expect((await open()).restored).toEqual(['two']);
  });
});
