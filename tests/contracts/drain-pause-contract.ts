import { describe, expect, test } from '@jest/globals';

import type { DrainPause } from '../../ports/drain-pause.js';

export interface DrainPauseUnderTest {
  readonly drainPause: DrainPause;
  pass(ms: number): Promise<void>;
}

/** The promises of ports/drain-pause.ts, for any adapter. */
export function drainPauseContract(name: string, open: () => Promise<DrainPauseUnderTest>): void {
  describe(`a pause of drains: ${name}`, () => {
    test('ends by itself, or when it is told to', async () => {
      const { drainPause, pass } = await open();
      expect(await drainPause.leftMs()).toBe(0);
      await drainPause.set(500);
      await pass(100);
      const leftMs = await drainPause.leftMs();
      expect(leftMs).toBeGreaterThan(0);
      expect(leftMs).toBeLessThanOrEqual(400);
      await pass(leftMs + 5);
      expect(await drainPause.leftMs()).toBe(0);
      await drainPause.set(60_000);
      await drainPause.set(0);
      expect(await drainPause.leftMs()).toBe(0);
    });

    test('lasts as long as was said last', async () => {
      const { drainPause } = await open();
      await drainPause.set(60_000);
      await drainPause.set(1_000);
      expect(await drainPause.leftMs()).toBeLessThanOrEqual(1_000);
    });
  });
}
