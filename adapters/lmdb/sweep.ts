import { setImmediate } from 'node:timers/promises';
import type { LmdbTable } from './lmdb-table.js';

const rowsPerRun = 10_000;
/** Reading is synchronous: after so many rows others have their turn. */
const rowsPerTurn = 100;

/** Looks at the next rows and deletes the expired ones; answers how many. The next call goes on behind them, and around. */
export type Sweep = (nowMs: number) => Promise<number>;

export function sweep(rows: LmdbTable<Buffer>, isExpired: (value: Buffer, nowMs: number) => boolean): Sweep {
  let behind: Buffer | undefined;
  return async (nowMs) => {
    const removals: Promise<unknown>[] = [];
    for (let seen = 0; seen < rowsPerRun; seen += rowsPerTurn) {
      const range = behind === undefined ? {} : { start: behind, exclusiveStart: true };
      const turn = [...rows.range({ ...range, limit: rowsPerTurn })];
      for (const { key, value } of turn) if (isExpired(value, nowMs)) removals.push(rows.remove(key));
      behind = turn.length < rowsPerTurn ? undefined : turn.at(-1)?.key;
      if (behind === undefined) break;
      await setImmediate();
    }
    await Promise.all(removals);
    return removals.length;
  };
}
