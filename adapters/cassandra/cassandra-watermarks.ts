import type { types } from 'cassandra-driver';

import type { Watermark, Watermarks } from '../../ports/watermarks.js';
import type { AccountId, DeviceId } from '../../protocol/ids.js';
import { groupBy } from '../../core/group-by.js';
import type { CassandraClient, Statement } from './cassandra-client.js';

const setDelivered =
  'UPDATE watermark_by_conversation USING TIMESTAMP ? SET delivered_position = ? WHERE conversation_id = ? AND account_id = ? AND device_id = ?';
const setRead =
  'UPDATE watermark_by_conversation USING TIMESTAMP ? SET read_position = ? WHERE conversation_id = ? AND account_id = ? AND device_id = ?';
const selectMarks = 'SELECT account_id, device_id, delivered_position, read_position FROM watermark_by_conversation WHERE conversation_id = ?';
const selectMarksOf = `${selectMarks} AND account_id = ?`;

/** The position is the write's timestamp, so the highest one stays without being read. */
export function createCassandraWatermarks(client: CassandraClient): Watermarks {
  return {
    raise: async (marks) => {
      await client.write([...groupBy(marks, ({ conversationId }) => conversationId).values()].map((ofOne) => [ofOne.flatMap(statementsOf)]));
    },
    of: async (conversations, accountId) => {
      const rows = await client.rowsOfEach(
        accountId === undefined ? selectMarks : selectMarksOf,
        conversations.map((conversationId) => (accountId === undefined ? [conversationId] : [conversationId, accountId])),
      );
      return conversations.flatMap((conversationId, index) => (rows[index] ?? []).map((row) => ({ conversationId, ...decode(row) })));
    },
  };
}

function statementsOf({ conversationId, accountId, deviceId, delivered, read }: Watermark): Statement[] {
  const statements: Statement[] = [];
  if (delivered !== undefined) statements.push({ query: setDelivered, params: [delivered, delivered, conversationId, accountId, deviceId] });
  if (read !== undefined) statements.push({ query: setRead, params: [read, read, conversationId, accountId, deviceId] });
  return statements;
}

function decode(row: types.Row): Omit<Watermark, 'conversationId'> {
  const delivered = row.get('delivered_position') as types.Long | null;
  const read = row.get('read_position') as types.Long | null;
  return {
    accountId: String(row.get('account_id')) as AccountId,
    deviceId: row.get('device_id') as DeviceId,
    ...(delivered === null ? {} : { delivered: delivered.toNumber() }),
    ...(read === null ? {} : { read: read.toNumber() }),
  };
}
