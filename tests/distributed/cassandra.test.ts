import { readdirSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { CassandraClient } from '../../adapters/cassandra/cassandra-client.js';
import { createCassandraHistory } from '../../adapters/cassandra/cassandra-history.js';
import { createCassandraInbox } from '../../adapters/cassandra/cassandra-inbox.js';
import { createCassandraWatermarks } from '../../adapters/cassandra/cassandra-watermarks.js';
import { migrate } from '../../adapters/cassandra/migrate.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { positionOf } from '../../core/position.js';
import type { StoredMessage } from '../../ports/history.js';
import { historyContract } from '../contracts/history-contract.js';
import { inboxContract } from '../contracts/inbox-contract.js';
import { quarantineContract } from '../contracts/quarantine-contract.js';
import { watermarksContract } from '../contracts/watermarks-contract.js';
import { openCassandra, type CassandraUnderTest } from '../support/cassandra.js';
import { deviceNumber, newAccountId, newConversationId, newMessageId } from '../support/ids.js';

const dayMs = 24 * 3_600_000;
const clock = createSystemClock();
let under: CassandraUnderTest;

beforeAll(async () => {
  under = await openCassandra();
});
afterAll(() => under.dispose());

/** Keys are new in every test, so all of them share a keyspace. */
const dispose = () => Promise.resolve();
const openHistory = () => createCassandraHistory(under.client, { clock, maxAgeMs: 365 * dayMs, indexMaxAgeMs: 30 * dayMs });
const openInbox = () => createCassandraInbox(under.client, { maxAgeMs: 30 * dayMs });

inboxContract('cassandra', (maxAgeMs) => Promise.resolve({ inbox: createCassandraInbox(under.client, { maxAgeMs }), dispose }));
quarantineContract('cassandra', () => Promise.resolve({ inbox: openInbox(), dispose }));
historyContract('cassandra', () => Promise.resolve({ history: openHistory(), nowMs: clock.nowMs(), dispose }));
watermarksContract('cassandra', () => Promise.resolve({ watermarks: createCassandraWatermarks(under.client, { maxAgeMs: 365 * dayMs }), dispose }));

describe('history in cassandra', () => {
  const conversationId = newConversationId();
  const viewer = newAccountId();
  const nowMs = clock.nowMs();
  const message = (offset: number, daysAgo: number, more: Partial<StoredMessage> = {}): StoredMessage => ({
    conversationId,
    position: positionOf(1, offset),
    messageId: newMessageId(),
    kind: 'message',
    sender: { accountId: newAccountId(), deviceId: deviceNumber(1) },
    acceptedAtMs: nowMs - daysAgo * dayMs,
    digest: Buffer.alloc(32),
    body: Buffer.alloc(100),
    ...more,
  });
  const offsets = (messages: readonly StoredMessage[]) => messages.map(({ position }) => position - positionOf(1, 0));

  test('pages over many weeks, forwards and backwards, with weeks of silence between', async () => {
    const days = [300, 299, 200, 100, 99, 30, 10, 9, 1, 0];
    await openHistory().append(
      days.map((daysAgo, offset) => message(offset, daysAgo)),
      [],
    );
    const history = openHistory();
    expect(offsets(await history.page({ conversationId, viewer, limit: 4 }))).toEqual([9, 8, 7, 6]);
    expect(offsets(await history.page({ conversationId, viewer, before: positionOf(1, 6), limit: 4 }))).toEqual([5, 4, 3, 2]);
    expect(offsets(await history.page({ conversationId, viewer, before: positionOf(1, 2), limit: 4 }))).toEqual([1, 0]);
    expect(offsets(await history.page({ conversationId, viewer, after: positionOf(1, 3), limit: 3 }))).toEqual([4, 5, 6]);
    expect(offsets(await history.page({ conversationId, viewer, after: positionOf(1, 0), before: positionOf(1, 5), limit: 10 }))).toEqual([
      4, 3, 2, 1,
    ]);
    expect(offsets(await history.page({ conversationId, viewer, limit: 100 }))).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  });

  test('keeps the first position of a message id, whichever is written last', async () => {
    const [first, second] = [message(20, 0), message(21, 0)];
    await openHistory().append([{ ...second, messageId: first.messageId }], []);
    await openHistory().append([first], []);
    await openHistory().append([{ ...second, messageId: first.messageId }], []);
    expect((await openHistory().find([first.messageId]))[0]?.position).toBe(first.position);
  });

  test('takes a batch of a thousand messages with bodies of 64 KiB among them', async () => {
    const of = newConversationId();
    const many = Array.from({ length: 1_000 }, (_, offset) =>
      message(offset, 0, { conversationId: of, body: Buffer.alloc(offset % 50 === 0 ? 65_536 : 100, offset) }),
    );
    await openHistory().append(many, []);
    const found = await openHistory().read(many);
    expect(found.map((row) => (row !== undefined && 'body' in row ? row.body?.byteLength : undefined))).toEqual(
      many.map(({ body }) => body?.byteLength),
    );
  });
});

describe('the inbox in cassandra', () => {
  test('does not give back a row that was removed, when somebody who is late puts it again', async () => {
    const inbox = openInbox();
    const device = { accountId: newAccountId(), deviceId: deviceNumber(1) };
    const conversationId = newConversationId();
    const entry = {
      device,
      row: {
        conversationId,
        position: positionOf(1, 1),
        messageId: newMessageId(),
        kind: 'message' as const,
        sender: device,
        acceptedAtMs: clock.nowMs(),
        queuedAtMs: clock.nowMs(),
      },
    };
    await inbox.put([entry]);
    await inbox.remove(device, [{ conversationId, first: positionOf(1, 1), last: positionOf(1, 1) }]);
    await inbox.put([entry]);
    await inbox.put([{ device, row: { ...entry.row, position: positionOf(1, 2) } }]);
    const { rows } = await inbox.read(device, { maxRows: 10, maxBytes: 1_000 });
    expect(rows.map(({ position }) => position)).toEqual([positionOf(1, 2)]);
  });
});

describe('migrations of cassandra', () => {
  test('may be run again, and by several processes at once', async () => {
    await Promise.all([migrate(under.options), migrate(under.options), migrate(under.options)]);
    const applied = (await under.client.rows('SELECT name FROM schema_migration')).map((row) => row.get('name') as string);
    expect(applied.sort()).toEqual(readdirSync('adapters/cassandra/schema').sort());
  });

  test('refuse a keyspace that was migrated by a newer version', async () => {
    await under.client.rows("INSERT INTO schema_migration (name, checksum) VALUES ('9999-later.cql', 'x')");
    await expect(migrate(under.options)).rejects.toThrow('the database has migration 9999-later.cql, which this version does not know');
    await under.client.rows("DELETE FROM schema_migration WHERE name = '9999-later.cql'");
  });
});

test('cassandra answers `unavailable` while nothing listens where it should be', async () => {
  const client = new CassandraClient({ ...under.options, contactPoints: ['127.0.0.1:1'] });
  await expect(client.connect()).rejects.toMatchObject({ code: 'unavailable' });
  await client.close();
});
