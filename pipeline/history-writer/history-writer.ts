import { contentDigest } from '../../core/content-digest.js';
import { positionOf } from '../../core/position.js';
import type { Consumer, EventLog, LogRecord } from '../../ports/event-log.js';
import type { History, StoredAlias, StoredMessage } from '../../ports/history.js';
import type { MessageId } from '../../protocol/ids.js';
import { decodeMessageRecord, type MessageRecord } from '../../protocol/log-records.js';
import type { PipelineEvents } from '../../telemetry/pipeline-events.js';

export interface HistoryWriterDependencies {
  readonly eventLog: EventLog;
  readonly history: History;
  readonly events: PipelineEvents;
  /** Epoch of the messages topic (core/position.ts). */
  readonly epoch: number;
}

/** Writes every message of the log to History, in batches. A store that is away makes the log redeliver: nothing is skipped. */
export function startHistoryWriter(dependencies: HistoryWriterDependencies): Promise<Consumer> {
  const { eventLog } = dependencies;
  return eventLog.consume({
    topic: 'messages',
    group: 'history-writer',
    maxBatch: 500,
    assigned: (assignment) => ({
      records: async (batch) => {
        await write(dependencies, batch);
        const last = batch.at(-1);
        if (last !== undefined) await assignment.commit(last.offset + 1);
      },
      revoked: () => Promise.resolve(),
    }),
  });
}

async function write({ history, events, epoch }: HistoryWriterDependencies, batch: readonly LogRecord[]): Promise<void> {
  const messages = batch.map((record) => storedMessage(decodeMessageRecord(record.value), record, epoch));
  const firsts = await firstPositions(history, messages);
  const isAlias = ({ message }: Read) => (firsts.get(message.messageId) ?? message.position) !== message.position;
  const aliases = messages.filter(isAlias).map(({ message }): StoredAlias => {
    const { conversationId, position, acceptedAtMs, messageId } = message;
    return { conversationId, position, acceptedAtMs, duplicateOf: firsts.get(messageId) ?? position };
  });
  const fresh = messages.filter((read) => !isAlias(read)).map(({ message }) => message);
  await history.append(fresh, aliases);
  events.historyWritten(fresh.length, aliases.length);
}

interface Read {
  readonly message: StoredMessage;
  readonly attempt: number;
}

/** Only a retry can be a message's second position, so first attempts cost no read. */
async function firstPositions(history: History, messages: readonly Read[]): Promise<Map<MessageId, number>> {
  const firsts = new Map<MessageId, number>();
  const retried = messages.filter(({ attempt }) => attempt > 1).map(({ message }) => message.messageId);
  if (retried.length === 0) return firsts;
  const found = await history.find(retried);
  retried.forEach((messageId, index) => {
    const location = found[index];
    if (location !== undefined) firsts.set(messageId, location.position);
  });
  for (const { message } of messages) if (!firsts.has(message.messageId)) firsts.set(message.messageId, message.position);
  return firsts;
}

function storedMessage(record: MessageRecord, { offset, appendedAtMs }: LogRecord, epoch: number): Read {
  const { conversationId, messageId, kind, sender, attempt, body, media, ttlSeconds } = record;
  const position = positionOf(epoch, offset);
  const digest = contentDigest(record);
  return { attempt, message: { conversationId, position, messageId, kind, sender, acceptedAtMs: appendedAtMs, digest, body, media, ttlSeconds } };
}
