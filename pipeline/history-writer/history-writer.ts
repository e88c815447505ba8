import { LRUCache } from 'lru-cache';

import { contentDigest } from '../../core/content-digest.js';
import { isKept } from '../../core/kept-kind.js';
import { positionOf } from '../../core/position.js';
import type { Consumer, EventLog, LogRecord } from '../../ports/event-log.js';
import type { Heads } from '../../ports/heads.js';
import type { History, StoredAlias, StoredMessage } from '../../ports/history.js';
import { isChannelId, type ConversationId, type MessageId } from '../../protocol/ids.js';
import { decodeMessageRecord, type MessageRecord } from '../../protocol/log-records.js';
import type { ChannelHead } from '../../protocol/server-frames.js';
import type { PipelineEvents } from '../../telemetry/pipeline-events.js';

/** Of one partition; a gateway that stands still for longer than it takes to send so many again is long given up. */
const maxRetriedRemembered = 20_000;

/** Nobody waits for history: live deliveries carry their bodies. */
const gatherMs = 50;

export interface HistoryWriterDependencies {
  readonly eventLog: EventLog;
  readonly history: History;
  readonly heads: Heads;
  readonly events: PipelineEvents;
  /** Epoch of the messages topic (core/position.ts). */
  readonly epoch: number;
}

/** Writes every message of the log to History, in batches, then tells how far channels are. A store that is away makes the log redeliver: nothing is skipped. */
export function startHistoryWriter(dependencies: HistoryWriterDependencies): Promise<Consumer> {
  const { eventLog } = dependencies;
  return eventLog.consume({
    topic: 'messages',
    group: 'history-writer',
    maxBatch: 500,
    gatherMs,
    assigned: (assignment) => {
      const retried: Retried = new LRUCache({ max: maxRetriedRemembered });
      return {
        records: async (batch) => {
          await write(dependencies, retried, batch);
          const last = batch.at(-1);
          if (last !== undefined) await assignment.commit(last.offset + 1);
        },
        revoked: () => Promise.resolve(),
      };
    },
  });
}

/**
 * First positions of messages that came as a retry. What comes as a first attempt behind its own retry is from a gateway that stood still meanwhile and did not know that it was given
 * up: it is remembered here, because first attempts are not looked up.
 */
type Retried = LRUCache<MessageId, number>;

async function write({ history, heads, events, epoch }: HistoryWriterDependencies, retried: Retried, batch: readonly LogRecord[]): Promise<void> {
  const messages = batch.map((record) => storedMessage(decodeMessageRecord(record.value), record, epoch));
  const firsts = await firstPositions(history, retried, messages);
  const isAlias = ({ message }: Read) => (firsts.get(message.messageId) ?? message.position) !== message.position;
  const aliases = messages.filter(isAlias).map(({ message }): StoredAlias => {
    const { conversationId, position, acceptedAtMs, messageId } = message;
    return { conversationId, position, acceptedAtMs, duplicateOf: firsts.get(messageId) ?? position };
  });
  const fresh = messages.filter((read) => !isAlias(read)).map(({ message }) => message);
  await history.append(fresh, aliases);
  events.historyWritten(fresh.length, aliases.length);
  const told = headsOf(fresh);
  if (told.length === 0) return;
  events.headsTold(told.length);
  // Best effort, and nothing waits for it.
  void heads.tell(told);
}

/** How far the channels of a batch are. */
function headsOf(messages: readonly StoredMessage[]): readonly ChannelHead[] {
  const heads = new Map<ConversationId, number>();
  for (const { kind, conversationId, position } of messages) if (isKept(kind) && isChannelId(conversationId)) heads.set(conversationId, position);
  return [...heads].map(([conversationId, position]) => ({ conversationId, position }));
}

interface Read {
  readonly message: StoredMessage;
  readonly attempt: number;
}

/** Only a retry can be a message's second position, or be followed by one: so first attempts cost no read. */
async function firstPositions(history: History, retried: Retried, messages: readonly Read[]): Promise<Map<MessageId, number>> {
  const firsts = new Map<MessageId, number>();
  for (const { message } of messages) {
    const known = retried.get(message.messageId);
    if (known !== undefined) firsts.set(message.messageId, known);
  }
  const retries = messages.filter(({ attempt }) => attempt > 1).map(({ message }) => message.messageId);
  if (retries.length === 0) return firsts;
  const found = await history.find(retries);
  retries.forEach((messageId, index) => {
    const location = found[index];
    if (location !== undefined) firsts.set(messageId, location.position);
  });
  for (const { message } of messages) if (!firsts.has(message.messageId)) firsts.set(message.messageId, message.position);
  for (const messageId of retries) retried.set(messageId, firsts.get(messageId) ?? 0);
  return firsts;
}

function storedMessage(record: MessageRecord, { offset, appendedAtMs }: LogRecord, epoch: number): Read {
  const { conversationId, messageId, kind, sender, attempt, body, media, ttlSeconds, withheld } = record;
  const [position, acceptedAtMs, digest] = [positionOf(epoch, offset), appendedAtMs, contentDigest(record)];
  return { attempt, message: { conversationId, position, messageId, kind, sender, acceptedAtMs, digest, body, media, ttlSeconds, withheld } };
}
