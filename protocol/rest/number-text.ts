import { z } from 'zod';

/** A whole number as it stands in a path or query. */
export const numberText = z
  .string()
  .regex(/^\d{1,16}$/, 'must be a whole number')
  .transform(Number)
  .meta({ type: 'integer' });
