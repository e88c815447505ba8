import { expect } from '@jest/globals';

import type { RateLimit } from '../../protocol/limits.js';

/**
 * Asks until it is refused, and gives the refusal. Expects that the whole burst gets through, and beyond it
 * no more than what the bucket fills again meanwhile, which on a busy machine is something.
 */
export async function untilLimited<Answer>(
  { burst, perSecond }: Pick<RateLimit, 'burst' | 'perSecond'>,
  ask: () => Promise<Answer>,
  isLimited: (answer: Answer) => boolean,
): Promise<Answer> {
  const startMs = performance.now();
  for (let through = 0; ; through += 1) {
    const answer = await ask();
    if (isLimited(answer)) {
      expect(through).toBeGreaterThanOrEqual(burst);
      return answer;
    }
    expect(through).toBeLessThanOrEqual(burst + ((performance.now() - startMs) / 1_000) * perSecond);
  }
}
