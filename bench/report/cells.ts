import type { TalkFigures } from '../load/talk.js';

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** Accepted / delivered, in ms. */
export function acceptedAndDelivered({ accepted, delivered }: TalkFigures): string {
  return `${accepted.toFixed(0)} / ${delivered.toFixed(0)}`;
}

/** Core-ms of the server's own processes, then of others by name. */
export function coreMs(ownMs: number | undefined, othersMs: Readonly<Record<string, number>>): string {
  if (ownMs === undefined) return 'not measured';
  return [ownMs.toFixed(3), ...Object.entries(othersMs).map(([name, ms]) => `${name} ${ms.toFixed(3)}`)].join(', ');
}
