import type { z } from 'zod';

import { describeIssues, fieldOf } from '../../protocol/encoding.js';
import { DomainError } from '../../protocol/errors.js';

/** What the schema makes of a part of a request; `whole` names that part, which may be missing like an empty one. Throws DomainError `invalid_request`, which names the field. */
export function checked<Schema extends z.ZodType>(schema: Schema, value: unknown, whole: string): z.output<Schema> {
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  throw new DomainError('invalid_request', describeIssues(result.error, whole), { detail: { field: fieldOf(result.error) || whole } });
}
