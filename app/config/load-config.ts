import { z } from 'zod';

import { rateLimits, type RateLimit, type RateLimitName } from '../../protocol/limits.js';
import { rateLimitSettings, settings } from './settings.js';
import type { Setting } from './setting.js';

type Values<Group> = { readonly [Name in keyof Group]: Group[Name] extends Setting<infer Value> ? Value : never };

export type Config = { readonly [Concern in keyof typeof settings]: Values<(typeof settings)[Concern]> } & {
  readonly limits: Readonly<Record<RateLimitName, RateLimit>>;
};

export type Environment = Readonly<Record<string, string | undefined>>;

/** What is wrong with the environment, a line for each fault. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads every setting; `defaults` stand in for variables that are not set. Throws ConfigError that names each variable that will not do, and each that does not exist with the nearest one that does. */
export function loadConfig(given: Environment = process.env, defaults: Environment = {}): Config {
  const environment = { ...defaults, ...given };
  const faults: string[] = unknownVariables(environment);
  const read = <Value>({ variable, fallback, parse }: Setting<Value>): Value => {
    const given = environment[variable];
    if (given === undefined) return fallback;
    try {
      return parse(given);
    } catch (error) {
      faults.push(`${variable}: ${error instanceof z.ZodError ? (error.issues[0]?.message ?? 'invalid') : String(error)}`);
      return fallback;
    }
  };
  const readGroup = (group: Readonly<Record<string, Setting<unknown>>>) =>
    Object.fromEntries(Object.entries(group).map(([name, setting]) => [name, read(setting)]));
  const concerns = Object.fromEntries(Object.entries(settings).map(([concern, group]) => [concern, readGroup(group)]));
  const limits = Object.fromEntries(
    Object.entries(rateLimitSettings).map(([name, { burst, perSecond }]) => [
      name,
      { ...rateLimits[name as RateLimitName], burst: read(burst), perSecond: read(perSecond) },
    ]),
  );
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  return { ...concerns, limits } as Config;
}

/** Every setting there is, in the order of the documentation. */
export function allSettings(): readonly Setting<unknown>[] {
  const groups: readonly Readonly<Record<string, Setting<unknown>>>[] = [...Object.values(settings), ...Object.values(rateLimitSettings)];
  return groups.flatMap((group) => Object.values(group));
}

function unknownVariables(environment: Environment): string[] {
  const known = allSettings().map(({ variable }) => variable);
  const reserved = /^HELIOGRAPH_TEST_/;
  return Object.keys(environment)
    .filter((name) => name.startsWith('HELIOGRAPH_') && !known.includes(name) && !reserved.test(name))
    .map((name) => `${name}: there is no such setting; did you mean ${nearest(name, known)}?`);
}

function nearest(name: string, known: readonly string[]): string {
  return known.reduce((best, candidate) => (distance(name, candidate) < distance(name, best) ? candidate : best), known[0] ?? '');
}

/** Levenshtein. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const replace = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
