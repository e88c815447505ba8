import { sleep } from '@temporalio/workflow';

import type { DrainWave } from '../../../core/drain-plan.js';
import { drainWave as unchanged } from '../../../workflows/drain-wave.js';

/** A change that running waves do not survive: a timer before everything else. */
export async function drainWave(wave: DrainWave): Promise<unknown> {
  await sleep('1 second');
  return unchanged(wave);
}
