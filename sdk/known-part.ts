import type { z } from 'zod';

/**
 * What this version knows of what a server says: fields that a newer server added are left out, everything else must fit the schema.
 * Changes `value`, which the caller has just decoded. Throws zod's error.
 */
export function parseKnownPart<Output>(schema: z.ZodType<Output>, value: unknown): Output {
  const strict = schema.safeParse(value);
  if (strict.success) return strict.data;
  for (const issue of strict.error.issues) {
    if (issue.code === 'unrecognized_keys') for (const key of issue.keys) removeAt(value, issue.path, key);
  }
  return schema.parse(value);
}

function removeAt(value: unknown, path: readonly PropertyKey[], key: string): void {
  const holder = path.reduce<unknown>((inner, part) => (isObject(inner) ? inner[part] : undefined), value);
  if (isObject(holder)) Reflect.deleteProperty(holder, key);
}

function isObject(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null;
}
