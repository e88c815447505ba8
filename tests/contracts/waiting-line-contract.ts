import { beforeEach, describe, expect, test } from '@jest/globals';

import type { WaitingLine } from '../../ports/waiting-line.js';

export interface WaitingLineUnderTest {
  readonly line: WaitingLine;
  /** Lets the time of offers pass. */
  pass(ms: number): Promise<void>;
}

/** An adapter may keep its own time, and on a busy machine that passes between two answers. */
const slackMs = 500;

/** The promises of ports/waiting-line.ts, for any adapter. */
export function waitingLineContract(name: string, open: () => Promise<WaitingLineUnderTest>): void {
  describe(`waiting line: ${name}`, () => {
    let under: WaitingLineUnderTest;
    beforeEach(async () => {
      under = await open();
    });

    test('moves as fast as all gateways together let devices in', async () => {
      const { line } = under;
      await line.offer('one', 100);
      await line.offer('two', 150);
      expect(await line.lengthMs()).toBe(0);
      const first = await line.take(1_000, 1);
      expect(first.everyMs).toBe(4);
      expect(first.firstInMs).toBeLessThan(slackMs);
      const next = await line.take(1, 1);
      expect(next.firstInMs).toBeGreaterThan(4_000 - slackMs);
      expect(next.firstInMs).toBeLessThan(4_000 + slackMs);
    });

    test('gives each turn away once, however many ask', async () => {
      const { line } = under;
      await line.offer('one', 1);
      const turns = await Promise.all(Array.from({ length: 50 }, () => line.take(2, 1)));
      const order = turns.map(({ firstInMs }) => firstInMs).sort((one, other) => one - other);
      const gaps = order.slice(1).map((at, index) => at - (order[index] ?? 0));
      expect(Math.min(...gaps)).toBeGreaterThan(2_000 - slackMs);
    });

    test('tells how long it is, and forgets what a gateway offered that is silent for 10 s', async () => {
      const { line, pass } = under;
      await line.offer('gone', 1_000);
      await pass(11_000);
      await line.offer('here', 2);
      expect((await line.take(4, 1)).everyMs).toBe(500);
      const longMs = await line.lengthMs();
      expect(longMs).toBeGreaterThan(2_500 - slackMs);
      expect(longMs).toBeLessThan(2_500 + slackMs);
    });

    test('moves as fast as whoever asks lets devices in, while nobody knows what was offered', async () => {
      expect((await under.line.take(3, 50)).everyMs).toBe(20);
    });
  });
}
