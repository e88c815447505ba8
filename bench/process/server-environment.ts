/** Settings of the shell's own server must not leak in; where the Temporal CLI is stays known. */
export function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(
    ([name]) => name === 'HELIOGRAPH_TEMPORAL_CLI' || !(name.startsWith('HELIOGRAPH_') || name === 'NODE_OPTIONS'),
  );
  return Object.fromEntries<string | undefined>(kept);
}

/** Rate limits out of the way. */
export function unlimited(): Record<string, string> {
  const names = ['SEND', 'RECIPIENT', 'HELLO', 'ADMISSION', 'REGISTRATION', 'TOKEN', 'PREKEY_BUNDLE'];
  return Object.fromEntries(
    names.flatMap((name): [string, string][] => [
      [`HELIOGRAPH_LIMIT_${name}_BURST`, '1000000'],
      [`HELIOGRAPH_LIMIT_${name}_PER_SECOND`, '1000000'],
    ]),
  );
}
