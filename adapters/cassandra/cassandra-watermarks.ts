import type { types } from 'cassandra-driver';

import type { Watermark, Watermarks } from '../../ports/watermarks.js';
import { exceptAfter, type ExceptChange } from '../../protocol/except.js';
import type { AccountId, DeviceId } from '../../protocol/ids.js';
import { groupBy } from '../../core/group-by.js';
import type { CassandraClient, Statement } from './cassandra-client.js';

const ofDevice = 'WHERE conversation_id = ? AND account_id = ? AND device_id = ?';
const setDelivered = `UPDATE watermark_by_conversation USING TIMESTAMP ? SET delivered_position = ? ${ofDevice}`;
const setRead = `UPDATE watermark_by_conversation USING TIMESTAMP ? SET read_position = ? ${ofDevice}`;
/** Not times: what arrived is never missing again, whatever is written twice. */
const addExcept = `UPDATE watermark_by_conversation USING TIMESTAMP 1 AND TTL ? SET except_positions = except_positions + ? ${ofDevice}`;
const removeExcept = `UPDATE watermark_by_conversation USING TIMESTAMP 2 SET except_positions = except_positions - ? ${ofDevice}`;
const columns = 'account_id, device_id, delivered_position, read_position, except_positions';
const selectMarks = `SELECT ${columns} FROM watermark_by_conversation WHERE conversation_id = ?`;
const selectMarksOf = `${selectMarks} AND account_id = ?`;

/** The position is the write's timestamp, so the highest one stays without being read. `maxAgeMs`: as long as messages are kept, so is what a device lacks of them. */
export function createCassandraWatermarks(client: CassandraClient, options: { readonly maxAgeMs: number }): Watermarks {
  const exceptTtlSeconds = Math.ceil(options.maxAgeMs / 1_000);
  return {
    raise: async (marks) => {
      const ofConversations = [...groupBy(marks, ({ conversationId }) => conversationId).values()];
      await client.write(ofConversations.map((ofOne) => [ofOne.flatMap((mark) => statementsOf(mark, exceptTtlSeconds))]));
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

function statementsOf(mark: Watermark & ExceptChange, exceptTtlSeconds: number): Statement[] {
  const { conversationId, accountId, deviceId, delivered, read, except = [], arrived = [] } = mark;
  const device = [conversationId, accountId, deviceId];
  const statements: Statement[] = [];
  if (delivered !== undefined) statements.push({ query: setDelivered, params: [delivered, delivered, ...device] });
  if (read !== undefined) statements.push({ query: setRead, params: [read, read, ...device] });
  if (except.length > 0) statements.push({ query: addExcept, params: [exceptTtlSeconds, except, ...device] });
  if (arrived.length > 0) statements.push({ query: removeExcept, params: [arrived, ...device] });
  return statements;
}

function decode(row: types.Row): Omit<Watermark, 'conversationId'> {
  const delivered = row.get('delivered_position') as types.Long | null;
  const read = row.get('read_position') as types.Long | null;
  const except = row.get('except_positions') as types.Long[] | null;
  return {
    accountId: String(row.get('account_id')) as AccountId,
    deviceId: row.get('device_id') as DeviceId,
    ...(delivered === null ? {} : { delivered: delivered.toNumber() }),
    ...(read === null ? {} : { read: read.toNumber() }),
    ...(except === null
      ? {}
      : {
          except: exceptAfter(
            except.map((position) => position.toNumber()),
            {},
          ),
        }),
  };
}
