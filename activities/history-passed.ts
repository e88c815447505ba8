import { offsetOf } from '../core/position.js';
import { progressOf, type EventLog } from '../ports/event-log.js';
import type { HistoryPassed } from './drain-page.js';

/** Looks how far a consumer group of the messages topic has committed. Throws `unavailable` when the log is away. */
export function createHistoryPassed(eventLog: Pick<EventLog, 'progress' | 'partitionOf'>, historyWriterGroup: string): HistoryPassed {
  return async (conversationId, position) => {
    const { committed } = await progressOf(eventLog, { topic: 'messages', group: historyWriterGroup }, conversationId);
    return committed > offsetOf(position);
  };
}
