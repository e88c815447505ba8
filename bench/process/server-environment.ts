import { rateLimitSettings, settings } from '../../app/config/settings.js';

/** Settings of the shell's own server must not leak in; where the Temporal CLI is stays known. */
export function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(
    ([name]) => name === 'HELIOGRAPH_TEMPORAL_CLI' || !(name.startsWith('HELIOGRAPH_') || name === 'NODE_OPTIONS'),
  );
  return Object.fromEntries<string | undefined>(kept);
}

/** Limits of rates, and of connections from one address, out of the way. */
export function unlimited(): Record<string, string> {
  const rates = Object.values(rateLimitSettings).flatMap(({ burst, perSecond }) => [burst, perSecond]);
  return {
    ...Object.fromEntries(rates.map(({ variable }) => [variable, '1000000000'])),
    [settings.network.maxConnectionsPerAddress.variable]: '1000000',
  };
}
