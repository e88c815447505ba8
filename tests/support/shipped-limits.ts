import { rateLimits, type RateLimitName } from '../../protocol/limits.js';

/** Settings that put limits back to what they are without any; servers under test have high ones. */
export function shippedLimits(...names: readonly RateLimitName[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const variable = `HELIOGRAPH_LIMIT_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
      return [
        [`${variable}_BURST`, `${rateLimits[name].burst}`],
        [`${variable}_PER_SECOND`, `${rateLimits[name].perSecond}`],
      ];
    }),
  );
}
