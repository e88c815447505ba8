import type { Position } from '../protocol/ids.js';

const offsetsPerEpoch = 2 ** 48;

/** Highest epoch for which a position stays a safe integer. */
export const maxEpoch = 31;

/** `epoch * 2^48 + offset`: the one order of a conversation. Never from clocks. */
export function positionOf(epoch: number, offset: number): Position {
  if (!Number.isInteger(epoch) || epoch < 1 || epoch > maxEpoch) throw new RangeError(`epoch ${epoch} is outside 1..${maxEpoch}`);
  if (!Number.isInteger(offset) || offset < 0 || offset >= offsetsPerEpoch) throw new RangeError(`offset ${offset} is outside 0..2^48-1`);
  return epoch * offsetsPerEpoch + offset;
}

export function offsetOf(position: Position): number {
  return position % offsetsPerEpoch;
}

export function epochOf(position: Position): number {
  return Math.floor(position / offsetsPerEpoch);
}
