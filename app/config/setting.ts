import { z } from 'zod';

import { Secret } from './secret.js';

/** One environment variable: what it means, what it may be, and what it is when it is not set. */
export interface Setting<Value> {
  readonly variable: string;
  readonly meaning: string;
  readonly fallback: Value;
  /** Throws zod's error on text that will not do. */
  readonly parse: (text: string) => Value;
}

type About = Pick<Setting<unknown>, 'variable' | 'meaning'>;

export function wholeNumber(about: About, fallback: number, { min, max }: { readonly min: number; readonly max: number }): Setting<number> {
  const schema = z.coerce.number().int().min(min).max(max);
  return { ...about, fallback, parse: (text) => schema.parse(text.trim() === '' ? undefined : text) };
}

export function positiveNumber(about: About, fallback: number): Setting<number> {
  const schema = z.coerce.number().positive();
  return { ...about, fallback, parse: (text) => schema.parse(text.trim() === '' ? undefined : text) };
}

export function oneOf<const Name extends string>(about: About, fallback: Name, names: readonly [Name, ...Name[]]): Setting<Name> {
  const schema = z.enum(names);
  return { ...about, fallback, parse: (text) => schema.parse(text) };
}

export function text(about: About, fallback: string): Setting<string> {
  const schema = z.string().min(1);
  return { ...about, fallback, parse: (value) => schema.parse(value) };
}

interface TextForm {
  readonly form: RegExp;
  /** Told when the text has another form. */
  readonly fault: string;
}

export function textLike(about: About, fallback: string, { form, fault }: TextForm): Setting<string> {
  const schema = z.string().regex(form, fault);
  return { ...about, fallback, parse: (value) => schema.parse(value) };
}

export function optionalText(about: About): Setting<string | undefined> {
  return { ...text(about, '-'), fallback: undefined };
}

export function secret(about: About, fallback: string): Setting<Secret> {
  const schema = z.string().min(1);
  return { ...about, fallback: new Secret(fallback), parse: (value) => new Secret(schema.parse(value)) };
}

/** An empty one is none, as tools pass what was not given to them. */
export function optionalSecret(about: About, like?: TextForm): Setting<Secret | undefined> {
  const schema = like === undefined ? z.string() : z.string().regex(like.form, like.fault);
  return { ...about, fallback: undefined, parse: (value) => (value === '' ? undefined : new Secret(schema.parse(value))) };
}

/** Some of the names, divided by commas. */
export function someOf<const Name extends string>(
  about: About,
  fallback: readonly Name[],
  names: readonly [Name, ...Name[]],
): Setting<readonly Name[]> {
  const schema = z.array(z.enum(names)).min(1);
  return { ...about, fallback, parse: (value) => schema.parse(value.split(',').map((part) => part.trim())) };
}

/** Names divided by commas. */
export function list(about: About, fallback: readonly string[]): Setting<readonly string[]> {
  const schema = z.array(z.string().min(1));
  return { ...about, fallback, parse: (value) => schema.parse(value.split(',').map((part) => part.trim())) };
}

/** Bounds of a TCP port; 0 takes a free one. */
export const port = { min: 0, max: 65_535 };
