import { rateLimitSettings } from '../../app/config/settings.js';

/** Settings of the shell's own server must not leak in; where the Temporal CLI is stays known. */
export function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(
    ([name]) => name === 'HELIOGRAPH_TEMPORAL_CLI' || !(name.startsWith('HELIOGRAPH_') || name === 'NODE_OPTIONS'),
  );
  return Object.fromEntries<string | undefined>(kept);
}

/** Rate limits out of the way. */
export function unlimited(): Record<string, string> {
  const settings = Object.values(rateLimitSettings).flatMap(({ burst, perSecond }) => [burst, perSecond]);
  return Object.fromEntries(settings.map(({ variable }) => [variable, '1000000']));
}
