import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';

import { createMemoryHeads } from '../../adapters/memory/heads.js';
import { createLmdbHistory } from '../../adapters/lmdb/lmdb-history.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { MicroBatcher } from '../../core/micro-batcher.js';
import { positionOf } from '../../core/position.js';
import { LogCatchUp } from '../../gateway/log-catch-up.js';
import { acceptSend } from '../../gateway/websocket/send.js';
import { startHistoryWriter } from '../../pipeline/history-writer/history-writer.js';
import type { AppendRecord, Appended, Consumer, EventLog } from '../../ports/event-log.js';
import type { History } from '../../ports/history.js';
import type { SendFrame } from '../../protocol/client-frames.js';
import { decodeMessageRecord, encodeMessageRecord } from '../../protocol/log-records.js';
import { createLogger } from '../../telemetry/logger.js';
import { createPipelineEvents } from '../../telemetry/pipeline-events.js';
import { deviceNumber, newAccountId, newConversationId, newMessageId } from '../support/ids.js';
import { openLmdbStore, type LmdbUnderTest } from '../support/lmdb.js';

const epoch = 1;
const sender = { accountId: newAccountId(), deviceId: deviceNumber(1) };
const conversationId = newConversationId();
const roster = {
  conversationId,
  kind: 'direct',
  version: 1,
  members: [{ accountId: sender.accountId, role: 'member', devices: [], lastSeen: 'everyone', readReceipts: true, blocks: false, opened: false }],
  digest: '',
} as const;

const clock = createSystemClock();
const yearMs = 365 * 24 * 3_600_000;

let under: LmdbUnderTest;
let eventLog: EventLog;
let history: History;
let writer: Consumer;

beforeEach(async () => {
  under = openLmdbStore();
  eventLog = await under.openLog();
  history = createLmdbHistory(under.store, { clock, maxAgeMs: yearMs, indexMaxAgeMs: yearMs });
  writer = await startHistoryWriter({
    eventLog,
    history,
    heads: createMemoryHeads(),
    events: createPipelineEvents(createLogger('silent'), new Registry()),
    epoch,
  });
});
afterEach(async () => {
  await writer.close();
  await eventLog.close();
  await under.dispose();
});

/** A retry of a message whose first attempt comes into the log only now: as an append does that was given up while it was under way. */
async function retryWhile(firstComes: 'before' | 'behind'): Promise<number> {
  const appends = new MicroBatcher<AppendRecord, Appended>(
    async (records) => {
      const first = records.map(({ key, value }) => ({ key, value: encodeMessageRecord({ ...decodeMessageRecord(value), attempt: 1 }) }));
      const appended = await eventLog.append('messages', firstComes === 'before' ? [...first, ...records] : [...records, ...first]);
      return firstComes === 'before' ? appended.slice(records.length) : appended;
    },
    { maxWaiting: 1, maxBatch: 1, retryAfterMs: 1 },
  );
  const dependencies = {
    ...{ appends, history, epoch },
    rosters: { roster: () => Promise.resolve(roster), refreshed: () => Promise.resolve(roster) },
    keeper: { attach: () => Promise.resolve() },
    audit: { accepted: () => undefined },
    channels: { roles: () => Promise.resolve([]), member: () => Promise.resolve(undefined) },
    rateLimiter: { take: () => Promise.resolve({ allowed: true as const }) },
    historyCatchUp: new LogCatchUp(eventLog, clock, { topic: 'messages', group: 'history-writer' }),
  };
  const frame: SendFrame = {
    ...{ type: 'send', id: 1, messageId: newMessageId(), conversationId, rosterDigest: '', kind: 'message' },
    ...{ body: Buffer.from('hello'), envelopes: [], attempt: 2, strategy: 'strict' },
  };
  const { accepted } = await acceptSend(dependencies, sender, { frame, arrivedAtMs: Date.now() });
  return (await accepted).position;
}

test.each([
  ['before', 'the first attempt’s'],
  ['behind', 'its own'],
] as const)('a retry whose first attempt comes into the log just %s it is told %s position, which all others see', async (where, _whose) => {
  expect(await retryWhile(where)).toBe(positionOf(epoch, 0));
});
