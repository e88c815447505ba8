import type { LmdbTable } from './lmdb-table.js';

/** Reading is synchronous, and everybody waits meanwhile. */
const rowsPerCall = 100;

/** Looks at a few rows more and deletes those that are expired; at the end of the table it begins again. Resolves when they are deleted. */
export type Sweep = (nowMs: number) => Promise<void>;

export function sweep(rows: LmdbTable<Buffer>, isExpired: (value: Buffer, nowMs: number) => boolean): Sweep {
  let behind: Buffer | undefined;
  return async (nowMs) => {
    const removals: Promise<unknown>[] = [];
    const range = behind === undefined ? {} : { start: behind, exclusiveStart: true };
    let seen = 0;
    behind = undefined;
    for (const { key, value } of rows.range({ ...range, limit: rowsPerCall })) {
      if (isExpired(value, nowMs)) removals.push(rows.remove(key));
      seen += 1;
      if (seen === rowsPerCall) behind = key;
    }
    await Promise.all(removals);
  };
}
