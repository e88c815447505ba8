import { expect, test } from '@jest/globals';

import { rateLimits } from '../../protocol/limits.js';
import { modelHerd } from '../support/simulation/herd-model.js';

const { burst, perSecond } = rateLimits.admission;

// docs/benchmarks.md shows these figures.
test.each([
  { devices: 20_000, gateways: 1, withinMs: 1_000, backWithinS: 30 },
  { devices: 200_000, gateways: 1, withinMs: 30_000, backWithinS: 300 },
  { devices: 200_000, gateways: 19, withinMs: 1_000, backWithinS: 20 },
  { devices: 200_000, gateways: 19, withinMs: 30_000, backWithinS: 32 },
])(
  '$devices devices that come to $gateways gateways within $withinMs ms are all let in, none faster than planned',
  async (plan) => {
    const { peakPerSecond, hellosEach, allBackMs } = await modelHerd(plan);
    console.log([plan.devices, plan.gateways, plan.withinMs, peakPerSecond, hellosEach, allBackMs].join(' | '));
    expect(peakPerSecond).toBeLessThanOrEqual(burst + perSecond);
    expect(hellosEach).toBeLessThan(2.5);
    expect(allBackMs / 1_000).toBeLessThan(plan.backWithinS);
  },
  120_000,
);
