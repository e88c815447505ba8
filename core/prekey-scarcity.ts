import { limits } from '../protocol/limits.js';

/** 0: enough of both kinds. 1: fewer than `limits.prekeysLow` of one. 2: none of one, so the last-resort key is handed out, or no EC key at all. */
export type PrekeyScarcity = 0 | 1 | 2;

/** Of the one-time keys that the server has left for a device. */
export function prekeyScarcity({ ec, kem }: { readonly ec: number; readonly kem: number }): PrekeyScarcity {
  const fewest = Math.min(ec, kem);
  if (fewest === 0) return 2;
  return fewest < limits.prekeysLow ? 1 : 0;
}
