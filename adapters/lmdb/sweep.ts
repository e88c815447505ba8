import type { Database } from 'lmdb';

const rowsPerRun = 10_000;

/** Looks at the next rows and deletes the expired ones; answers how many. The next call goes on behind them, and around. */
export type Sweep = (nowMs: number) => Promise<number>;

export function sweep(rows: Database<Buffer, Buffer>, isExpired: (value: Buffer, nowMs: number) => boolean): Sweep {
  let from: Buffer | undefined;
  return async (nowMs) => {
    const removals: Promise<boolean>[] = [];
    let seen = 0;
    let last: Buffer | undefined;
    for (const { key, value } of rows.getRange({ ...(from === undefined ? {} : { start: from }), limit: rowsPerRun })) {
      seen += 1;
      last = key;
      if (isExpired(value, nowMs)) removals.push(rows.remove(key));
    }
    from = seen < rowsPerRun ? undefined : last;
    await Promise.all(removals);
    return removals.length;
  };
}
