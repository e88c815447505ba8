import type { DrainPauseView } from '../../protocol/rest/drain-pause.js';

/** For people. */
export function renderDrainPause({ leftMs }: DrainPauseView): string {
  if (leftMs === 0) return 'Drains are not held back.';
  return `Drains are held back for ${Math.ceil(leftMs / 60_000)} more min. Devices are online, and get what waited for them after that. \`--resume\` ends it.`;
}
