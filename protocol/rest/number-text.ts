import { z } from 'zod';

const wholeNumber = z
  .string()
  .regex(/^\d{1,16}$/, 'must be a whole number')
  .transform(Number);

/** A whole number as it stands in a path or query, and what it must be as a number. */
export function numberText<Schema extends z.ZodType<number, number>>(range: Schema) {
  const { minimum, maximum } = z.toJSONSchema(range);
  return wholeNumber.pipe(range).meta({ type: 'integer', minimum, maximum });
}
