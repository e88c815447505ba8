import { beforeEach, describe, expect, test } from '@jest/globals';

import type { QuietPeriods } from '../../ports/quiet-periods.js';
import { deviceNumber, newAccountId } from '../support/ids.js';

export interface QuietPeriodsUnderTest {
  readonly quietPeriods: QuietPeriods;
  pass(ms: number): Promise<void>;
}

/** The promises of ports/quiet-periods.ts, for any adapter. */
export function quietPeriodsContract(name: string, open: (periodMs: number) => Promise<QuietPeriodsUnderTest>): void {
  describe(`quiet periods: ${name}`, () => {
    const periodMs = 500;
    const device = { accountId: newAccountId(), deviceId: deviceNumber(1) };
    let under: QuietPeriodsUnderTest;

    beforeEach(async () => {
      under = await open(periodMs);
    });

    test('begin once, tell how long they run, and begin anew when they are over', async () => {
      const { quietPeriods, pass } = under;
      expect(await quietPeriods.begin(device)).toBe(0);
      await pass(100);
      const leftMs = await quietPeriods.begin(device);
      expect(leftMs).toBeGreaterThan(0);
      expect(leftMs).toBeLessThanOrEqual(periodMs - 100);
      await pass(leftMs + 5);
      expect(await quietPeriods.begin(device)).toBe(0);
      expect(await quietPeriods.begin(device)).toBeGreaterThan(0);
    });

    test('begin for one of several that ask at once', async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => under.quietPeriods.begin(device)));
      expect(answers.filter((leftMs) => leftMs === 0)).toHaveLength(1);
    });

    test('are those of one device', async () => {
      const others = [device, { ...device, deviceId: deviceNumber(2) }, { ...device, accountId: newAccountId() }];
      expect(await Promise.all(others.map((of) => under.quietPeriods.begin(of)))).toEqual([0, 0, 0]);
    });
  });
}
