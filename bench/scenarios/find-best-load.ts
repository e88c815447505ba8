import type { Target } from '../targets/target.js';
import { measureLoad, type LoadPlan } from './measure-load.js';

const warmUpMs = 1_500;
const measureMs = 3_000;

export interface LoadGrid {
  readonly pairs: readonly number[];
  readonly windows: readonly number[];
}

/** Tries each number of pairs with each window shortly; the one with the most exchanges a second. */
export async function findBestLoad(target: Target, grid: LoadGrid, tell: (line: string) => void): Promise<Pick<LoadPlan, 'pairs' | 'shape'>> {
  let best = { pairs: grid.pairs[0] ?? 1, window: grid.windows[0] ?? 1, exchangesPerSecond: -1 };
  for (const pairs of grid.pairs) {
    for (const window of grid.windows) {
      const { report } = await measureLoad(target, { pairs, shape: { kind: 'closed', window }, warmUpMs, measureMs });
      const { exchangesPerSecond } = report;
      tell(`${target.name}: ${pairs} pairs x ${window}: ${Math.round(exchangesPerSecond)} exchanges/s`);
      if (exchangesPerSecond > best.exchangesPerSecond) best = { pairs, window, exchangesPerSecond };
    }
  }
  return { pairs: best.pairs, shape: { kind: 'closed', window: best.window } };
}
