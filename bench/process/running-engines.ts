import { Stack } from '../../app/stack/stack.js';

/** Pids of the engines of `npm run stack` that run, by name. */
export function runningEngines(): Readonly<Record<string, number>> {
  const engines = new Stack('.stack').status().flatMap(({ name, pid }): [string, number][] => (pid === undefined ? [] : [[name, pid]]));
  return Object.fromEntries(engines);
}
