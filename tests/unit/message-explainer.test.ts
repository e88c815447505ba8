import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';

import { createMemoryHeads } from '../../adapters/memory/heads.js';
import { createLmdbHistory } from '../../adapters/lmdb/lmdb-history.js';
import { createLmdbInbox } from '../../adapters/lmdb/lmdb-inbox.js';
import { createLmdbWatermarks } from '../../adapters/lmdb/lmdb-watermarks.js';
import { createMemorySessionRegistry } from '../../adapters/memory/session-registry.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { positionOf } from '../../core/position.js';
import type { Roster } from '../../core/roster.js';
import { MessageExplainer } from '../../gateway/message-explainer.js';
import { startHistoryWriter } from '../../pipeline/history-writer/history-writer.js';
import type { DeviceLife } from '../../core/device-life.js';
import type { EventLog } from '../../ports/event-log.js';
import type { History } from '../../ports/history.js';
import type { SessionRegistry } from '../../ports/session-registry.js';
import { DomainError } from '../../protocol/errors.js';
import { encodeMessageRecord } from '../../protocol/log-records.js';
import { createLogger } from '../../telemetry/logger.js';
import { createPipelineEvents } from '../../telemetry/pipeline-events.js';
import { deviceNumber, newAccountId, newConversationId, newMessageId } from '../support/ids.js';
import { openLmdbStore, type LmdbUnderTest } from '../support/lmdb.js';

const epoch = 1;
const yearMs = 365 * 24 * 3_600_000;
const clock = createSystemClock();
const conversationId = newConversationId();
const sender = { accountId: newAccountId(), deviceId: deviceNumber(1) };
const recipient = { accountId: newAccountId(), deviceId: deviceNumber(1) };
const lives: readonly DeviceLife[] = [sender, recipient].map((device) => ({ device, createdAtMs: 0, joinedAtMs: 0 }));
const roster: Roster = {
  ...{ conversationId, kind: 'direct', version: 1, digest: '' },
  members: [sender, recipient].map(({ accountId }) => ({
    ...{ accountId, role: 'member', devices: [], lastSeen: 'everyone', readReceipts: true, blocks: false, opened: false },
  })),
};
const away: SessionRegistry['lookup'] = () => Promise.reject(new DomainError('unavailable', 'the registry is away'));

let under: LmdbUnderTest;
let eventLog: EventLog;
let history: History;

beforeEach(async () => {
  under = openLmdbStore();
  eventLog = await under.openLog();
  history = createLmdbHistory(under.store, { clock, maxAgeMs: yearMs, indexMaxAgeMs: yearMs });
});
afterEach(async () => {
  await eventLog.close();
  await under.dispose();
});

/** On real stores; of PostgreSQL only what it would say of the two devices. */
function explainer({ lookup = createMemorySessionRegistry(clock).lookup, epoch: ofLog = epoch } = {}): MessageExplainer {
  const inbox = createLmdbInbox(under.store, { maxAgeMs: yearMs });
  return new MessageExplainer({
    ...{ eventLog, history, clock, epoch: ofLog },
    watermarks: createLmdbWatermarks(under.store),
    ...{ inbox, quarantine: inbox.quarantine },
    conversations: { deviceLives: () => Promise.resolve(lives) },
    rosters: { roster: () => Promise.resolve(roster), refreshed: () => Promise.resolve(roster) },
    registry: { lookup },
  });
}

async function accept() {
  const messageId = newMessageId();
  const value = encodeMessageRecord({
    ...{ messageId, conversationId, sender, kind: 'message', attempt: 1, envelopes: [] },
    recipients: [recipient],
  });
  const [appended] = await eventLog.append('messages', [{ key: conversationId, value }]);
  return { messageId, position: positionOf(epoch, appended?.offset ?? -1) };
}

function write() {
  return startHistoryWriter({
    eventLog,
    history,
    heads: createMemoryHeads(),
    events: createPipelineEvents(createLogger('silent'), new Registry()),
    epoch,
  });
}

test('a message that may be accepted and not in History yet is not denied: the history-writer is behind', async () => {
  const { messageId } = await accept();
  const asked = explainer();
  await expect(asked.outcome(messageId, sender.accountId)).rejects.toMatchObject({
    ...{ code: 'unavailable', retryAfterMs: 1_000 },
    message: 'earlier messages are still being written, 1 are left',
  });
  const writer = await write();
  const { accounts } = await asked.outcome(messageId, sender.accountId);
  expect(accounts).toEqual([{ accountId: recipient.accountId, state: 'routing', devices: [{ deviceId: 1, state: 'routing' }] }]);
  await expect(asked.outcome(newMessageId(), sender.accountId)).rejects.toMatchObject({ code: 'not_found' });
  await expect(asked.outcome(messageId, recipient.accountId)).rejects.toMatchObject({ code: 'not_found' });
  await writer.close();
});

test('an operator is told the rest while the session registry is away', async () => {
  const { messageId, position } = await accept();
  const writer = await write();
  const detail = await explainer({ lookup: away }).detail(messageId);
  expect(detail).toMatchObject({ registry: 'away', recorded: true, position, accounts: [{ devices: [{ state: 'routing' }] }] });
  await writer.close();
});

test('without the record, what the conversation has is told: whoever left nothing is unknown', async () => {
  const messageId = newMessageId();
  const message = { messageId, conversationId, sender, kind: 'message', acceptedAtMs: clock.nowMs(), digest: Buffer.alloc(32) } as const;
  // Of an epoch whose log is gone.
  await history.append([{ ...message, position: positionOf(epoch, 5) }], []);
  const detail = await explainer({ epoch: epoch + 1 }).detail(messageId);
  expect(detail).toMatchObject({ recorded: false, epoch, accounts: [{ accountId: recipient.accountId, state: 'unknown' }] });
});
