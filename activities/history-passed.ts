import { offsetOf } from '../core/position.js';
import type { EventLog } from '../ports/event-log.js';
import type { HistoryPassed } from './drain-page.js';

/** Looks how far a consumer group of the messages topic has committed. Throws `unavailable` when the log is away. */
export function createHistoryPassed(eventLog: Pick<EventLog, 'progress' | 'partitionOf'>, historyWriterGroup: string): HistoryPassed {
  return async (conversationId, position) => {
    const partition = eventLog.partitionOf('messages', conversationId);
    const progress = await eventLog.progress('messages', historyWriterGroup);
    const committed = progress.find((group) => group.partition === partition)?.committed ?? 0;
    return committed > offsetOf(position);
  };
}
