import type { Announcements } from '../ports/announcements.js';
import type { Clock } from '../ports/clock.js';
import type { Quarantine } from '../ports/quarantine.js';
import type { WakeUps } from '../ports/wake-ups.js';
import { DomainError } from '../protocol/errors.js';
import type { MessageId } from '../protocol/ids.js';
import type { QuarantineRelease } from '../protocol/rest/quarantine.js';

export interface ReleaseDependencies {
  readonly quarantine: Pick<Quarantine, 'list' | 'release'>;
  readonly announcements: Pick<Announcements, 'publish'>;
  readonly wakeUps: WakeUps;
  readonly clock: Clock;
}

/** All that is there: a device has ten at most, and few devices have any. */
const everything = 10_000;

/** Its devices get the item again: those that are online now, the others on their return. Throws DomainError `not_found`, `unavailable`. */
export async function releaseFromQuarantine(dependencies: ReleaseDependencies, messageId: MessageId): Promise<QuarantineRelease> {
  const { quarantine, announcements, wakeUps, clock } = dependencies;
  const items = (await quarantine.list(everything)).filter((item) => item.messageId === messageId);
  if (items.length === 0) throw new DomainError('not_found', 'messageId: it is in quarantine for no device');
  for (const item of items) {
    await quarantine.release(item.device, item, clock.nowMs());
    await announcements.publish({ kind: 'inbox-changed', device: item.device });
    wakeUps.ask(item.device, 'unless-back');
  }
  return { messageId, devices: items.map(({ device }) => device) };
}
