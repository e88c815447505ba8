import type { types } from 'cassandra-driver';

import type { Inbox, InboxEntry, InboxLimit, InboxPage, InboxRow } from '../../ports/inbox.js';
import type { Quarantine } from '../../ports/quarantine.js';
import { deviceKey, type AccountId, type ConversationId, type DeviceId, type MessageId } from '../../protocol/ids.js';
import { batchesOf } from './batches-of.js';
import { groupBy } from '../../core/group-by.js';
import type { CassandraClient, Statement } from './cassandra-client.js';
import { createCassandraSuspicions } from './cassandra-suspicions.js';
import { isSamePlace, maxQuarantinedItems, type Suspect } from '../../core/suspicion.js';

/** Not times: whatever clocks say, a removal goes over what was put (README). */
const putAt = 1;
const removedAt = 2;

const columns = 'account_id, device_id, conversation_id, position, message_id, kind, sender_account, sender_device, accepted_at, queued_at';
const insertRow = `INSERT INTO inbox_by_device (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ${putAt} AND TTL ?`;
const insertRowWithEnvelope = `INSERT INTO inbox_by_device (${columns}, envelope_type, envelope) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ${putAt} AND TTL ?`;
const selectRows = `SELECT ${columns}, envelope_type, envelope FROM inbox_by_device WHERE account_id = ? AND device_id = ?`;
const selectQueuedAt = 'SELECT queued_at FROM inbox_by_device WHERE account_id = ? AND device_id = ? AND conversation_id = ? AND position = ?';
const deleteRows = `DELETE FROM inbox_by_device USING TIMESTAMP ${removedAt} WHERE account_id = ? AND device_id = ?`;
const deleteRange = `${deleteRows} AND conversation_id = ? AND position >= ? AND position <= ?`;

export interface CassandraInbox extends Inbox {
  readonly quarantine: Quarantine;
}

export function createCassandraInbox(client: CassandraClient, options: { readonly maxAgeMs: number }): CassandraInbox {
  const suspicions = createCassandraSuspicions(client, options);
  const ttlSeconds = Math.ceil(options.maxAgeMs / 1_000);

  return {
    put: async (entries) => {
      const ofDevices = [...groupBy(entries, ({ device }) => deviceKey(device)).values()];
      await client.write(ofDevices.map((ofOne) => batchesOf(ofOne.map((entry) => insertOf(entry, ttlSeconds)))));
    },

    read: async (device, { maxRows, maxBytes, afterConversation }) => {
      const from = afterConversation === undefined ? (['', []] as const) : ([' AND conversation_id > ?', [afterConversation]] as const);
      const limit = maxRows + 1 + maxQuarantinedItems;
      const rows = await client.rows(`${selectRows}${from[0]} LIMIT ?`, device.accountId, device.deviceId, ...from[1], limit);
      // Of an inbox that is empty, as most are at a connect, there is nothing to pass over.
      const suspects = rows.length === 0 ? [] : await suspicions.suspects(device);
      return pageOf(rows.map(decode), suspects, { maxRows, maxBytes });
    },

    queuedAtMs: async (devices, { conversationId, position }) => {
      const rows = await client.rowsOfEach(
        selectQueuedAt,
        devices.map(({ accountId, deviceId }) => [accountId, deviceId, conversationId, position]),
      );
      return rows.map(([row]) => (row === undefined ? undefined : (row.get('queued_at') as types.Long).toNumber()));
    },

    remove: async ({ accountId, deviceId }, ranges) => {
      const statements = ranges.map(({ conversationId, first, last }) => ({
        query: deleteRange,
        params: [accountId, deviceId, conversationId, first, last],
      }));
      await client.write([[statements]]);
    },

    clear: async (device) => {
      const { accountId, deviceId } = device;
      await Promise.all([client.write([[[{ query: deleteRows, params: [accountId, deviceId] }]]]), suspicions.clear(device)]);
    },

    quarantine: suspicions,
  };
}

function insertOf({ device, row }: InboxEntry, ttlSeconds: number): Statement & { readonly bytes: number } {
  const { conversationId, position, messageId, kind, sender, acceptedAtMs, queuedAtMs, envelope } = row;
  const values = [
    device.accountId,
    device.deviceId,
    conversationId,
    position,
    messageId,
    kind,
    sender.accountId,
    sender.deviceId,
    acceptedAtMs,
    queuedAtMs,
  ];
  return envelope === undefined
    ? { query: insertRow, params: [...values, ttlSeconds], bytes: 0 }
    : { query: insertRowWithEnvelope, params: [...values, envelope.type, envelope.content, ttlSeconds], bytes: envelope.content.byteLength };
}

function pageOf(
  found: readonly InboxRow[],
  suspects: readonly Suspect[],
  { maxRows, maxBytes }: Pick<InboxLimit, 'maxRows' | 'maxBytes'>,
): InboxPage {
  const passedOver = suspects.filter(({ state }) => state === 'quarantined');
  const rows = found.filter((row) => !passedOver.some((suspect) => isSamePlace(suspect, row)));
  let bytes = 0;
  for (const [index, { envelope }] of rows.entries()) {
    bytes += envelope?.content.byteLength ?? 0;
    if (index === maxRows || (index > 0 && bytes > maxBytes)) return { rows: rows.slice(0, index), more: true, suspects };
  }
  return { rows, more: false, suspects };
}

function decode(row: types.Row): InboxRow {
  const envelope = row.get('envelope') as Buffer | null;
  return {
    conversationId: String(row.get('conversation_id')) as ConversationId,
    position: (row.get('position') as types.Long).toNumber(),
    messageId: String(row.get('message_id')) as MessageId,
    kind: row.get('kind') as InboxRow['kind'],
    sender: { accountId: String(row.get('sender_account')) as AccountId, deviceId: row.get('sender_device') as DeviceId },
    acceptedAtMs: (row.get('accepted_at') as types.Long).toNumber(),
    queuedAtMs: (row.get('queued_at') as types.Long).toNumber(),
    ...(envelope === null ? {} : { envelope: { type: row.get('envelope_type') as number, content: envelope } }),
  };
}
