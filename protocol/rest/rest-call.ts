import type { z } from 'zod';

import type { ErrorCode } from '../errors.js';

export interface RestCall {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** Parameters stand in braces. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  /** Its answer has an `ETag`, and is 304 without a body for a client that has it (`If-None-Match`). */
  readonly tagged?: true;
  /** Done only if what it changes is as the client saw it last (`If-Match`, a tag of `getConversation`), if the client says so. */
  readonly guarded?: true;
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
