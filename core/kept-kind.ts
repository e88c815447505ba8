import type { ItemKind } from '../protocol/server-frames.js';

/** Whether history keeps it, with its body; what it does not keep is for devices alone, in their envelopes. */
export function isKept(kind: ItemKind): boolean {
  return kind === 'message' || kind === 'event';
}
