import type { Position } from './ids.js';

/** Of one device in one conversation, the newest. */
export const maxExcept = 128;

/** What a watermark passed over: `except` came to it, `arrived` is on the device after all. */
export interface ExceptChange {
  readonly except?: readonly Position[] | undefined;
  readonly arrived?: readonly Position[] | undefined;
}

/** What of both holds: what arrived is never missing again. In order. */
export function exceptAfter(known: readonly Position[] | undefined, { except = [], arrived = [] }: ExceptChange = {}): Position[] {
  const missing = new Set([...(known ?? []), ...except].filter((position) => !arrived.includes(position)));
  return [...missing].sort((one, other) => one - other).slice(-maxExcept);
}
