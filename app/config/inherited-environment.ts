/** What a program that this process starts gets to see: everything but Heliograph's own settings, some of which are secret. */
export function inheritedEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HELIOGRAPH_')));
}
