import type { LinkId } from '../protocol/ids.js';
import type { LinkStage } from '../protocol/rest/link.js';

/** What the workflow knows of a link. Whose it is stays in the directory. */
export interface LinkPlan {
  readonly linkId: LinkId;
}

/** What a link came to: `late`, if what was said before was not fetched in time. */
export type LinkEnd = Extract<LinkStage, 'done' | 'over'> | 'late';

/** For as long as the notes of the two devices wait for each other in an inbox. */
const linkPatienceMs = 30 * 24 * 3_600_000;
/** They come by themselves while somebody looks at them. */
export const wakeForLinkAfterMs = 60_000;

/** A link that was not looked at for so long is followed by nobody. */
export const linkUnfollowedAfterMs = 2 * 24 * 3_600_000;

const firstPauseMs = 2_000;
const longestPauseMs = 24 * 3_600_000;

/** How long until a link is looked at again that has stood where it stands for so long: soon while somebody waits before two screens, and ever more rarely. */
export function linkPauseMs(waitedMs: number): number {
  return Math.min(Math.max(Math.round(waitedMs / 10), firstPauseMs), longestPauseMs);
}

/** `undefined`: it is under way. */
export function linkEndOf(stage: LinkStage, waitedMs: number): LinkEnd | undefined {
  if (stage === 'done' || stage === 'over') return stage;
  return waitedMs >= linkPatienceMs ? 'late' : undefined;
}

export function deviceLinkId({ linkId }: LinkPlan): string {
  return `device-link/${linkId}`;
}
