import { v5 } from 'uuid';

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

  /** Resolves when what changed in this group is in the log, or will be by a sweep. Never rejects. */
  async tell(conversationId: ConversationId): Promise<void> {
    const { groups, onDelayed } = this.#dependencies;
    await groups
      .untold({ conversationId })
      .then((events) => this.#append(events))
      .catch(onDelayed);
  }

  /** Until the signal ends it. */
  async sweep(signal: AbortSignal): Promise<void> {
    const { groups, clock, onDelayed } = this.#dependencies;
    const slept = () =>
      clock.sleep(sweepEveryMs, signal).then(
        () => true,
        () => false,
      );
    while (await slept()) {
      await groups
        .untold({ madeBeforeMs: clock.nowMs() - leftAfterMs, limit: groupsPerSweep })
        .then((events) => this.#append(events))
        .catch(onDelayed);
    }
  }

  async #append(events: readonly UntoldEvent[]): Promise<void> {
    if (events.length === 0) return;
    const { groups, eventLog } = this.#dependencies;
    await eventLog.append(
      'messages',
      events.map((event) => ({ key: event.conversationId, value: encodeMessageRecord(recordOf(event)) })),
    );
    await groups.told(events);
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
