import type { ProfileSummary, SelfTime } from '../process/cpu-profile.js';

const shownFunctions = 40;
const shownRooms = 20;

/** Where the time of a profiled run went: first by room and package, then by function. */
export function renderProfile({ totalMs, functions, rooms }: ProfileSummary): string {
  const line = ({ name, selfMs }: SelfTime) => `${((100 * selfMs) / totalMs).toFixed(1).padStart(6)} %  ${selfMs.toFixed(0).padStart(7)} ms  ${name}`;
  return [
    `self time of the server's main thread, ${Math.round(totalMs)} ms`,
    'by room and package',
    ...rooms.slice(0, shownRooms).map(line),
    'by function',
    ...functions.slice(0, shownFunctions).map(line),
  ].join('\n');
}
