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
import type { Roster } from '../../core/roster.js';
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
} as const satisfies Roster;

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

const hello = (attempt: number, messageId = newMessageId()): SendFrame => ({
  ...{ type: 'send', id: 1, messageId, conversationId, rosterDigest: '', kind: 'message' },
  ...{ body: Buffer.from('hello'), envelopes: [], attempt, strategy: 'strict' },
});

type Append = (records: readonly AppendRecord[]) => Promise<readonly Appended[]>;

async function send(frame: SendFrame, present: Roster = roster, append: Append = (records) => eventLog.append('messages', records)): Promise<number> {
  const dependencies = {
    ...{ appends: new MicroBatcher(append, { maxWaiting: 1, maxBatch: 1, retryAfterMs: 1 }), history, epoch },
    rosters: { roster: () => Promise.resolve(present), refreshed: () => Promise.resolve(present) },
    keeper: { attach: () => Promise.resolve() },
    audit: { accepted: () => undefined },
    channels: { roles: () => Promise.resolve([]), member: () => Promise.resolve(undefined) },
    rateLimiter: { take: () => Promise.resolve({ allowed: true as const }) },
    historyCatchUp: new LogCatchUp(eventLog, clock, { topic: 'messages', group: 'history-writer' }),
  };
  const { accepted } = await acceptSend(dependencies, sender, { frame, arrivedAtMs: Date.now() });
  return (await accepted).position;
}

/** A retry of a message whose first attempt comes into the log only now: as an append does that was given up while it was under way. */
function retryWhile(firstComes: 'before' | 'behind'): Promise<number> {
  return send(hello(2), roster, async (records) => {
    const first = records.map(({ key, value }) => ({ key, value: encodeMessageRecord({ ...decodeMessageRecord(value), attempt: 1 }) }));
    const appended = await eventLog.append('messages', firstComes === 'before' ? [...first, ...records] : [...records, ...first]);
    return firstComes === 'before' ? appended.slice(records.length) : appended;
  });
}

test('a retry gets the place of the first attempt also when its sender is no member any more; what was never accepted is refused', async () => {
  const [first, never] = [hello(1), hello(2)];
  const gone = { ...roster, members: [] };
  expect(await send(first)).toBe(positionOf(epoch, 0));
  expect(await send({ ...first, attempt: 2 }, gone)).toBe(positionOf(epoch, 0));
  await expect(send(never, gone)).rejects.toMatchObject({ code: 'not_a_member' });
  await expect(send({ ...first, body: Buffer.from('other'), attempt: 2 }, gone)).rejects.toMatchObject({ code: 'message_conflict' });
});

test.each([
  ['before', 'the first attempt’s'],
  ['behind', 'its own'],
] as const)('a retry whose first attempt comes into the log just %s it is told %s position, which all others see', async (where, _whose) => {
  expect(await retryWhile(where)).toBe(positionOf(epoch, 0));
});
