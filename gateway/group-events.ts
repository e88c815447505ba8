import { v5 } from 'uuid';

import type { Announcements } from '../ports/announcements.js';
import type { Clock } from '../ports/clock.js';
import type { EventLog } from '../ports/event-log.js';
import type { Groups, UntoldEvent } from '../ports/groups.js';
import { encodeEvent } from '../protocol/conversation-event.js';
import type { ConversationId, MessageId } from '../protocol/ids.js';
import { encodeMessageRecord, type MessageRecord } from '../protocol/log-records.js';

const sweepEveryMs = 2_000;
/** Until then whoever made a change tells it. */
const leftAfterMs = 5_000;
const groupsPerSweep = 100;

export interface GroupEventsDependencies {
  readonly groups: Groups;
  readonly eventLog: EventLog;
  readonly announcements: Announcements;
  readonly clock: Clock;
  /** An event could not be told yet. */
  readonly onDelayed: (error: unknown) => void;
}

/**
 * Puts changes of groups into the log, in the order in which they were made. What a process that ended, or a log that was away, left untold is told by the sweep of any gateway; then an event
 * may come twice, under one message id.
 */
export class GroupEvents {
  readonly #dependencies: GroupEventsDependencies;

  constructor(dependencies: GroupEventsDependencies) {
    this.#dependencies = dependencies;
  }

  /** A change was made. Resolves when it is in the log, or will be by a sweep. The caches first: whoever hears of the change asks for the roster. Never rejects. */
  async changed(conversationId: ConversationId): Promise<void> {
    await this.#dependencies.announcements.publish({ kind: 'roster-changed', conversationIds: [conversationId] });
    await this.#tell({ conversationId });
  }

  /** Until the signal ends it. */
  async sweep(signal: AbortSignal): Promise<void> {
    const { clock } = this.#dependencies;
    const slept = () =>
      clock.sleep(sweepEveryMs, signal).then(
        () => true,
        () => false,
      );
    while (await slept()) await this.#tell({ madeBeforeMs: clock.nowMs() - leftAfterMs, limit: groupsPerSweep });
  }

  async #tell(of: Parameters<Groups['untold']>[0]): Promise<void> {
    const { groups, eventLog, onDelayed } = this.#dependencies;
    try {
      const events = await groups.untold(of);
      if (events.length === 0) return;
      const records = events.map((event) => ({ key: event.conversationId, value: encodeMessageRecord(recordOf(event)) }));
      await eventLog.append('messages', records);
      await groups.told(events);
    } catch (error) {
      onDelayed(error);
    }
  }
}

function recordOf({ conversationId, by, event, recipients }: UntoldEvent): MessageRecord {
  return {
    messageId: v5(`${event.version}`, conversationId) as MessageId,
    conversationId,
    kind: 'event',
    sender: by,
    // Perhaps somebody told it already.
    attempt: 2,
    envelopes: [],
    recipients,
    body: encodeEvent(event),
  };
}
