import type { z } from 'zod';

import type { ErrorCode } from '../errors.js';

export interface RestCall {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** Parameters stand in braces. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  /** Needs no token. */
  readonly open?: true;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** By status; `null` has no body. */
  readonly answers: Readonly<Record<number, z.ZodType | null>>;
  /** Beyond those that every call can give. */
  readonly errors: readonly ErrorCode[];
}
