import { z } from 'zod';

import { errorCodes, type ErrorCode } from '../errors.js';

const codes = Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]];

/** RFC 9457, `application/problem+json`. `code` is one of the catalogue that the WebSocket edge uses too. */
export const problem = z
  .object({
    /** The catalogue's entry: `urn:heliograph:error:<code>`. */
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.enum(codes),
    retryAfterMs: z.number().optional(),
    /** Structured facts: `field`, `limit` ... */
    facts: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problem>;
