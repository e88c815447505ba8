import type { Secret } from './config/secret.js';
import { StartError } from './start-error.js';

/** A setting that the distributed profile cannot do without. Throws StartError. */
export function requiredSetting<Value extends string | Secret>(value: Value | undefined, variable: string): Value {
  if (value !== undefined) return value;
  throw new StartError(`the distributed profile needs ${variable}`, 'set it, see docs/configuration.md');
}
